"""What releases and the documentation site need. The server does not import it."""
