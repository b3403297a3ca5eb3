"""Who is calling, and what they own."""

# How far the clocks of the machines that sign and check credentials may differ. NTP keeps clocks within
# milliseconds, but a machine that just started, or lost its time server, can be off by seconds.
CLOCK_SKEW_SECONDS = 60
