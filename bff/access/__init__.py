"""Identifies callers, and decides what they may access."""

# How far the clocks of the servers that sign and check credentials may differ. NTP keeps clocks within
# milliseconds, but a server that just started, or lost its time server, can be off by seconds.
CLOCK_SKEW_SECONDS = 60
