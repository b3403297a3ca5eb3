"""Figures: what faults, outages, overload and slow clients do to the product, over real sockets.

Each module runs by itself: `python -m benchmarks.faults`. All load stays on this machine, and ends.
"""
