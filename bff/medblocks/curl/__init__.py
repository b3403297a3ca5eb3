"""Upstream requests through libcurl: one deadline and one byte cap over the whole exchange."""
