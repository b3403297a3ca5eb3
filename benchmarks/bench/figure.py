"""What the figures of the product alone have in common."""

from pathlib import Path
from typing import NamedTuple

from benchmarks.bench.browsers import Browsers

KIB_PER_MIB = 1024


class Figure(NamedTuple):
    """A figure, its unit, and what is asked of it."""

    what: str
    value: float
    unit: str
    asked: str = ""


class Setup(NamedTuple):
    """What there is to measure with: browsers, a folder, a core for the product and one for the rest."""

    browsers: Browsers
    folder: Path
    cores: tuple[int, int]
    quick: bool
