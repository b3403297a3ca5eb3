"""How the comparison is shown: as a table, and as a chart."""

from collections.abc import Sequence
from html import escape

from benchmarks.bench.comparison import CONNECTIONS, Row
from benchmarks.bench.contestants import NGINX, OURS
from benchmarks.bench.figure import Figure

_HEAD = (
    f"one core, {CONNECTIONS} connections",
    *("requests/s", "p50 ms", "p99 ms", "CPU µs/request", "MiB", "ours is", "must", "aim", "our p99 is"),
)
_LINE, _LEFT, _WIDTH = 34, 180, 480


def table(rows: Sequence[Row]) -> str:
    """Lay the rows out as a table in Markdown, which reads well in a terminal too."""
    lines = [_HEAD, *(_cells(row) for row in rows)]
    first, *widths = (max(map(len, column)) for column in zip(*lines, strict=True))
    rule = ("-" * first, *("-" * (width - 1) + ":" for width in widths))
    return "".join(
        "| " + " | ".join([head.ljust(first), *map(str.rjust, cells, widths)]) + " |\n"
        for head, *cells in (lines[0], rule, *lines[1:])
    )


def _cells(row: Row) -> tuple[str, ...]:
    label = f"{row.label} ({row.errors} errors)" if row.errors else row.label
    ratios = (None,) * 4 if row.name == OURS else (row.ratio, row.must, row.aim, row.p99_ratio)
    times = [f"{ratio:.2f}x" if ratio else "" for ratio in ratios]
    numbers = (
        f"{row.rate:,.0f}",
        f"{row.p50:.2f}",
        f"{row.p99:.2f}",
        f"{row.cpu:.0f}",
        f"{row.mebibytes:.0f}",
    )
    return (label, *numbers, *times)


def figures(found: Sequence[Figure]) -> str:
    """Lay figures out, a line for each, with what is asked beside it."""
    first = max(len(figure.what) for figure in found)
    return "".join(
        f"{figure.what.ljust(first)}  {_number(figure.value)} {figure.unit}"
        + (f"  (asked: {figure.asked})" if figure.asked else "")
        + "\n"
        for figure in found
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def chart(rows: Sequence[Row]) -> str:
    """Draw requests per second as bars, in SVG; nginx's is cut, since it would dwarf all others."""
    longest = max((row.rate for row in rows if row.name != NGINX), default=1.0)
    bars = "".join(_bar(row, number, longest) for number, row in enumerate(rows))
    height = _LINE * len(rows) + 50
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 820 {height}" font-family="sans-serif" '
        f'font-size="15" role="img" aria-label="Requests per second">\n'
        f'<rect width="820" height="{height}" fill="#fff"/>\n'
        '<text x="10" y="24" font-weight="bold">Reads of a patient per second, on one core</text>\n'
        f"{bars}</svg>\n"
    )


def _bar(row: Row, number: int, longest: float) -> str:
    top = 40 + number * _LINE
    width = _WIDTH * min(1.0, row.rate / longest)
    cut = " (bar cut)" if row.rate > longest else ""
    colour = "#0b6e4f" if row.name == OURS else "#8795a1"
    return (
        f'<text x="{_LEFT - 10}" y="{top + 18}" text-anchor="end">{escape(row.label)}</text>'
        f'<rect x="{_LEFT}" y="{top}" width="{width:.0f}" height="{_LINE - 8}" fill="{colour}"/>'
        f'<text x="{_LEFT + width + 6:.0f}" y="{top + 18}">{row.rate:,.0f}{cut}</text>\n'
    )
