"""The sandbox's faults: their `kinds`, the `specs` that ask for one, the `middleware` that applies them."""

from bff.sandbox.faults.kinds import KINDS
from bff.sandbox.faults.middleware import Faults
from bff.sandbox.faults.specs import PROFILES, FaultError

__all__ = ["KINDS", "PROFILES", "FaultError", "Faults"]
