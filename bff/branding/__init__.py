"""What the pages show of the organisation and of the facilities: names, colours and logos."""
