"""The sandbox's faults: what can fail (`kinds`), when it fails (`plan`), and the named sets (`profiles`)."""

from bff.sandbox.faults.kinds import KINDS
from bff.sandbox.faults.middleware import Faults
from bff.sandbox.faults.plan import FaultError, Spec
from bff.sandbox.faults.profiles import PROFILES

__all__ = ["KINDS", "PROFILES", "FaultError", "Faults", "Spec"]
