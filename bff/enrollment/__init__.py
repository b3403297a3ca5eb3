"""The rules of enrollment: creating patients exactly once, starting sessions, facilities and return URLs."""
