"""The rules of enrollment: create a patient exactly once, start a session, and where browsers return to."""
