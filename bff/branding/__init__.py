"""The organisation's name, colour and logo, and the facilities' logos."""
