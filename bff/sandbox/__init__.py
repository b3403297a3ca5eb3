"""A stateful stand-in for Medblocks, for the demo and for tests; the product never imports it."""

from bff.sandbox.app import DEMO_KEY, create_sandbox

__all__ = ["DEMO_KEY", "create_sandbox"]
