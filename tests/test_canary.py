"""The pytest plugin that watches the whole run for leaks finds them."""

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from tests.canary import CANARIES, Watch

ROOT = Path(__file__).resolve().parents[1]
LEAKY = """
import logging
import pytest
from flask import Flask

log = logging.getLogger("some.package")

def app():
    made = Flask("test")
    made.add_url_rule("/", view_func=lambda: ("", 200, {"X-Name": "Bo Example"}))
    return made

def test_log():
    log.debug("hello %s", "Asha Example")

def test_header():
    app().test_client().get("/")

@pytest.fixture
def late():
    yield
    log.debug("canary_key")

def test_teardown(late):
    pass

def test_clean():
    log.debug("hello")
    logging.getLogger("urllib3").debug("hello")

@pytest.mark.canary_exempt(reason="shows the exemption")
def test_exempt():
    log.debug("Mallory Example")

@pytest.mark.canary_exempt
def test_no_reason():
    pass
"""


def record(message="hello", *args, **extra):
    return logging.makeLogRecord({"msg": message, "args": args, "name": "some.package", **extra})


def error_of(text):
    error = ValueError(text)
    return type(error), error, None


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize(
    "make",
    [
        lambda canary: record(f"GET /{canary}"),
        lambda canary: record("hello %s", canary),
        lambda canary: record("hello %s", {"name": canary}),
        lambda canary: record(exc_info=error_of(canary)),
        lambda canary: record(data={"patient": canary}),
    ],
    ids=["message", "argument", "nested argument", "exception", "fields beside it"],
)
def test_a_canary_in_a_log_record_is_a_hit(make, canary):
    watch = Watch()
    watch.handle(make(canary))

    assert (watch.hits, watch.records) == (1, 1)
    assert watch.take() == [f"a record of the logger some.package holds {canary!r}"]
    assert watch.take() == []


def test_a_record_without_a_canary_is_unchanged():
    watch, made = Watch(), record("hello %s", "you", exc_info=error_of("a fault"))
    before = dict(vars(made))
    watch.handle(made)

    assert (watch.hits, watch.records) == (0, 1)
    assert vars(made) == before


def test_an_unformattable_record_is_a_hit():
    watch = Watch()
    watch.handle(record("%s %s", "one"))

    assert watch.hits == 1


def test_an_exempt_test_has_no_hits():
    watch = Watch()
    watch.exempt = True
    watch.handle(record(CANARIES[0]))

    assert (watch.hits, watch.records) == (0, 1)


@pytest.mark.parametrize(
    ("headers", "hits"),
    [({"X-Name": "Bo Example"}, 1), ({"Location": "/?email=asha@example.com"}, 1), ({}, 0)],
)
def test_a_canary_in_a_response_header_is_a_hit(headers, hits):
    app, watch = Flask("test"), Watch()
    with app.test_request_context():
        response = app.make_response(("", 200, headers))
    watch.wrap(lambda *_: response)(app.test_client(), "/")

    assert (watch.hits, watch.responses) == (hits, 1)


@pytest.fixture(scope="module")
def leaky_run(tmp_path_factory):
    """Run a few tests with the plugin in a separate process."""
    folder = tmp_path_factory.mktemp("leaky")
    (folder / "test_leaky.py").write_text(LEAKY)
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.canary",
            "-p",
            "no:cacheprovider",
            "--strict-markers",
            "-rA",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_only_the_tests_that_leak_fail(leaky_run):
    outcomes = dict(
        reversed(pair) for pair in re.findall(r"^(PASSED|FAILED|ERROR) \S+::(\w+)", leaky_run.stdout, re.M)
    )

    assert leaky_run.returncode == 1
    assert outcomes == {
        "test_log": "FAILED",
        "test_header": "FAILED",
        "test_teardown": "ERROR",
        "test_clean": "PASSED",
        "test_exempt": "PASSED",
        "test_no_reason": "ERROR",
    }


def test_the_run_ends_with_a_summary_line(leaky_run):
    assert re.search(r"^canaries: 3 hits in \d+ log records and 1 responses$", leaky_run.stdout, re.M)
