"""Which fault meets which request: the active specs, the odds, and the count of what happened."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from threading import Lock
from typing import Annotated, Any

from msgspec import Meta, Struct, to_builtins

from bff.sandbox.faults.kinds import KINDS

# Not a Kind: it acts on the whole port, not on one exchange.
REFUSE = "refuse"
MAX_MS = 60_000


class FaultError(ValueError):
    """These faults can't be used. The message says why, and what to send instead."""


class Spec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One fault, and when it happens: to which operation, how often, how many times, and how.

    Without `operation` it meets every operation of the API. It meets hosted pages only when it names one.
    """

    fault: str
    operation: str | None = None
    probability: Annotated[float, Meta(ge=0, le=1)] = 1
    times: Annotated[int, Meta(ge=1)] | None = None
    ms: Annotated[int, Meta(ge=0, le=MAX_MS)] | None = None
    # Replies below 400 can be without a body, which would break the connection's framing.
    status: Annotated[int, Meta(ge=400, le=599)] | None = None

    def __post_init__(self) -> None:
        if self.fault not in (REFUSE, *KINDS):
            raise ValueError(f"fault must be one of: {', '.join([REFUSE, *KINDS])}")
        if self.fault == REFUSE and (not self.ms or to_builtins(self).keys() != {"fault", "ms"}):
            raise ValueError(
                f"refuse takes ms, from 1 to {MAX_MS}, and nothing else: it begins at once, for all"
            )


@dataclass
class _Active:
    spec: Spec
    left: int | None

    def to_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = to_builtins(self.spec)
        return shown if self.left is None else {**shown, "left": self.left}


class Plan:
    """The active specs in their order; safe to share between threads.

    With a seed, the same requests in the same order meet the same faults after every `replace`.
    """

    def __init__(self, seed: int | None) -> None:
        self._seed = seed
        self._lock = Lock()
        self._active: list[_Active] = []
        self._fired: Counter[str] = Counter()
        self._random = Random(seed)  # noqa: S311 - it must be reproducible, and nothing secret is drawn

    def replace(self, specs: Sequence[Spec], seed: int | None = None) -> None:
        """Make these specs the active ones, and restart the counts. Without a seed, the last one stays."""
        with self._lock:
            self._seed = self._seed if seed is None else seed
            self._random.seed(self._seed)
            # A refusal happens once, at once: it never meets a request.
            self._active = [_Active(spec, spec.times) for spec in specs if spec.fault != REFUSE]
            self._fired = Counter(spec.fault for spec in specs if spec.fault == REFUSE)

    def pick(self, operation: str, *, hosted: bool) -> Spec | None:
        """Return the first active spec that meets an operation now, and count it; None if none does."""
        with self._lock:
            for active in self._active:
                spec = active.spec
                meant = spec.operation == operation or (spec.operation is None and not hosted)
                if meant and active.left != 0 and self._random.random() < spec.probability:
                    active.left = active.left and active.left - 1
                    self._fired[spec.fault] += 1
                    return spec
        return None

    def to_json(self) -> dict[str, Any]:
        """Return what is active, and how often each fault fired since the last `replace`."""
        with self._lock:
            return {"active": [row.to_json() for row in self._active], "fired": dict(self._fired)}
