"""Who is calling, what they own, where browsers may be sent, and how often they may ask."""
