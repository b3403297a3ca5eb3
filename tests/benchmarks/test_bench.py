"""What the benchmark computes from what it has measured."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.bench import report
from benchmarks.bench.comparison import Reading, installed, rows
from benchmarks.bench.contestants import CONTESTANTS, NGINX, OURS
from benchmarks.bench.figure import Figure
from benchmarks.bench.installing import NotInstalled, Packages
from benchmarks.bench.wrk import LoadFailed, Result, parse

PRINTED = """Running 2s test @ http://127.0.0.1:8000
  1 threads and 16 connections
Requests/sec:   2000.00

{"requests": 4000, "microseconds": 2000000, "p50": 1500, "p99": 9250, "errors": 3}
"""


def readings(*rates: float, p99: float = 5.0, kib: int = 2048, errors: int = 0) -> list[Reading]:
    return [Reading(Result(1000, rate, 1.0, p99, errors), 0.25, kib) for rate in rates]


def test_wrks_output_becomes_rates_and_latencies() -> None:
    assert parse(PRINTED) == Result(requests=4000, rate=2000.0, p50=1.5, p99=9.25, errors=3)


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "Running 2s test @ http://127.0.0.1:8000",
        PRINTED.replace("2000000", "0"),
        PRINTED.replace('"p99"', '"p98"'),
        PRINTED.replace('{"requests"', '["requests"'),
        "unable to connect\n3",
    ],
)
def test_a_load_with_errors_fails(printed: str) -> None:
    with pytest.raises(LoadFailed):
        parse(printed)


def test_ratios_are_those_of_the_medians() -> None:
    ours, hono = rows({"ours": readings(2600, 100, 2700), "hono": readings(9000, 2000, 1000)})
    assert (ours.rate, hono.rate) == (2600, 2000)
    assert (ours.ratio, hono.ratio) == (1.0, 1.3)


def test_our_p99_stands_beside_that_of_each_peer() -> None:
    _, hono, nginx = rows(
        {
            "ours": readings(1, p99=8.0),
            "hono": readings(1, 1, 1, p99=16.0),
            "nginx": readings(1, p99=0.5),
        }
    )
    assert (hono.p99_ratio, nginx.p99_ratio) == (0.5, 16.0)


@pytest.mark.parametrize("name", [name for name in CONTESTANTS if name not in {OURS, NGINX}])
def test_every_peer_has_a_target_and_an_aim(name: str) -> None:
    must, aim = CONTESTANTS[name].must, CONTESTANTS[name].aim
    assert must is not None
    assert aim is not None
    assert 1 < must < aim


def test_of_the_limit_nothing_is_asked() -> None:
    assert (CONTESTANTS[NGINX].must, CONTESTANTS[NGINX].aim) == (None, None)


def test_without_the_product_there_are_no_ratios() -> None:
    (hono,) = rows({"hono": readings(2000)})
    assert (hono.ratio, hono.p99_ratio) == (None, None)
    assert "1.05x | 1.20x" in report.table([hono])


def test_a_peer_that_cannot_be_installed_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def put() -> None:
        raise NotInstalled("no such version")

    broken = Packages(tmp_path / "listed", tmp_path / "never", put)
    monkeypatch.setitem(CONTESTANTS, "hono", replace(CONTESTANTS["hono"], packages=broken))
    assert installed(["ours", "hono", "nginx"]) == ["ours", "nginx"]
    assert "left out: Hono + fetch, since it can't be run here: no such version" in capsys.readouterr().err


@pytest.mark.parametrize(("listed", "installed", "there"), [(2, 1, False), (1, 2, True), (1, None, False)])
def test_installed_packages_are_found_after_a_listing(
    listed: int, installed: int | None, there: bool, tmp_path: Path
) -> None:
    for name, moment in (("listed", listed), ("installed", installed)):
        if moment is not None:
            (tmp_path / name).touch()
            os.utime(tmp_path / name, (moment, moment))
    puts: list[bool] = []
    packages = Packages(tmp_path / "listed", tmp_path / "installed", lambda: puts.append(True))
    packages.install()
    assert packages.are_there() is there
    assert bool(puts) is not there


def test_errors_of_all_rounds_show_beside_the_name() -> None:
    (hono,) = rows({"hono": readings(10, 10, errors=2)})
    assert "| Hono + fetch (4 errors) " in report.table([hono])
    assert "errors" not in report.table(rows({"hono": readings(10)}))


def test_the_table_has_a_line_for_each_contestant() -> None:
    shown = report.table(rows({"ours": readings(2600), "hono": readings(1300.4)}))
    head, rule, ours, hono = shown.splitlines()
    assert len({len(line) for line in (head, rule, ours, hono)}) == 1
    assert [cell.strip() for cell in ours.split("|")[1:-1]] == [
        "medblocks-bff", "2,600", "1.00", "5.00", "250", "2", "", "", "", "",
    ]  # fmt: skip
    assert [cell.strip() for cell in hono.split("|")[1:-1]][-4:] == ["2.00x", "1.05x", "1.20x", "1.00x"]


def test_a_figure_is_printed_with_its_target() -> None:
    shown = report.figures([Figure("p99", 380.2, "ms", "under 400"), Figure("create_app", 0.00712, "s")])
    assert shown == "p99         380 ms  (asked: under 400)\ncreate_app  0.00712 s\n"


def test_the_chart_cuts_the_limit_and_shows_every_rate() -> None:
    drawn = report.chart(rows({"ours": readings(2600), "nginx": readings(40_000), "hono": readings(1300)}))
    assert drawn.count("bar cut") == 1
    assert "40,000 (bar cut)" in drawn
    assert drawn.count('width="480"') == 2
    assert 'width="240"' in drawn
