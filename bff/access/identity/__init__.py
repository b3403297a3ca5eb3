"""Finds out who sends a request: `base.py` has what an identity provider is, and chooses one."""
