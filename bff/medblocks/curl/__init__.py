"""Sends requests through libcurl, with one deadline and one size limit for the whole exchange."""
