"""The client for Medblocks, without Flask: calls, models, errors, and what protects both sides."""
