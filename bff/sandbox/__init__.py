"""A stateful stand-in for Medblocks, for tests and for the demo: only the command line imports it."""

from bff.sandbox.app import DEMO_KEY, create_sandbox

__all__ = ["DEMO_KEY", "create_sandbox"]
