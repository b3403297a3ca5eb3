"""What a fault spec may say, and the check of it."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from typing import Any

from bff.sandbox.fault_kinds import KINDS

# It is no Kind: it is about the whole port, not about one exchange.
REFUSE = "refuse"
MAX_MS = 60_000


class FaultError(ValueError):
    """What was asked for can't be done; the text says what to mend."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One fault, and when it happens: to which operation, how often, how many times, and how.

    Without `operation` it meets every operation of the API; the hosted pages only when named.
    """

    fault: str
    operation: str | None = None
    probability: float = 1
    times: int | None = None
    ms: int | None = None
    status: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the spec as it is asked for, without what goes without saying."""
        return {name: value for name, value in asdict(self).items() if value != getattr(Spec, name, None)}


_FIELDS = [field.name for field in fields(Spec)]


def parse(asked: object, operations: Collection[str]) -> Spec:
    """Give the spec that a JSON value asks for; raise FaultError, which names what is wrong."""
    if not isinstance(asked, dict):
        raise FaultError('A fault must be an object, for example {"fault": "silence"}.')
    for name in asked:
        if name not in _FIELDS:
            raise FaultError(f"A fault has no field of this name. Use: {', '.join(_FIELDS)}.")
    _one_of(asked.get("fault"), "fault", [REFUSE, *KINDS])
    if "operation" in asked:
        _one_of(asked["operation"], "operation", operations)
    _number(asked.get("probability", 1), "probability", 0, 1)
    _whole(asked.get("times", 1), "times", 1, 1_000_000)
    _whole(asked.get("ms", 0), "ms", 0, MAX_MS)
    # Below 400 are statuses without a body, which would break the connection's framing.
    _whole(asked.get("status", 400), "status", 400, 599)
    if asked["fault"] == REFUSE:
        _check_refuse(asked)
    return Spec(**asked)


def _check_refuse(asked: dict[str, Any]) -> None:
    if asked.keys() != {"fault", "ms"} or not asked["ms"]:
        raise FaultError(
            f"refuse takes ms, from 1 to {MAX_MS}, and nothing else: it begins at once, for everybody."
        )


def _one_of(value: object, name: str, known: Collection[str]) -> None:
    if not isinstance(value, str) or value not in known:
        raise FaultError(f"{name} must be one of: {', '.join(known)}.")


def _whole(value: object, name: str, least: int, most: int) -> None:
    if not isinstance(value, int):
        raise FaultError(f"{name} must be a whole number from {least} to {most}.")
    _number(value, name, least, most)


def _number(value: object, name: str, least: int, most: int) -> None:
    # JSON's true is an int to Python.
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise FaultError(f"{name} must be a number from {least} to {most}.")
