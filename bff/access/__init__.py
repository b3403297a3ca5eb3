"""Who may do what, and where a browser may be sent."""
