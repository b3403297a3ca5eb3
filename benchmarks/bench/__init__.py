"""`make bench`: the product beside what a team would write instead, on the same machine in the same run.

Everything listens on loopback, and ends with the benchmark.
"""
