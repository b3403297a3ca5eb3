"""Which fault meets which request: the active specs, the dice, and the count of what happened."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from threading import Lock
from typing import Any

from bff.sandbox.fault_specs import REFUSE, Spec


@dataclass
class _Active:
    spec: Spec
    left: int | None

    def to_json(self) -> dict[str, Any]:
        return self.spec.to_json() if self.left is None else {**self.spec.to_json(), "left": self.left}


class Plan:
    """The active specs in their order; safe to share between threads.

    With a seed, the same requests in the same order meet the same faults after every `replace`.
    """

    def __init__(self, seed: int | None) -> None:
        self._seed = seed
        self._lock = Lock()
        self._active: list[_Active] = []
        self._fired: Counter[str] = Counter()
        self._random = Random(seed)  # noqa: S311 - it is there to be reproduced; nothing secret is drawn

    @property
    def idle(self) -> bool:
        """Whether no spec is active."""
        return not self._active

    def replace(self, specs: Sequence[Spec], seed: int | None = None) -> None:
        """Make these specs the active ones, and count anew; a seed stays until another one is given."""
        with self._lock:
            self._seed = self._seed if seed is None else seed
            self._random.seed(self._seed)
            # To refuse is done once, at once: there is nothing left of it to meet a request.
            self._active = [_Active(spec, spec.times) for spec in specs if spec.fault != REFUSE]
            self._fired = Counter(spec.fault for spec in specs if spec.fault == REFUSE)

    def pick(self, operation: str, *, hosted: bool) -> Spec | None:
        """Give the first active spec that meets an operation now, and count it; None when none does."""
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
        """Give what is active, and how often each fault fired since the last `replace`."""
        with self._lock:
            return {"active": [row.to_json() for row in self._active], "fired": dict(self._fired)}
