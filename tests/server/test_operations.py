"""Holds `docs/servers.md` and the tests together, and the numbers of `docs/operations.md`."""

import ast
from pathlib import Path

import pytest

from bff.server import gunicorn_conf
from tests.server.promises import FILE, SERVERS, promises

HERE = Path(__file__).parent
# The tests that run under each server; the others test our worker alone.
EVERY_SERVER = "test_any_server.py"


def find_tests(file):
    """Return the tests of a file, each with the arguments that it takes."""
    functions = [
        node for node in ast.parse((HERE / file).read_text()).body if isinstance(node, ast.FunctionDef)
    ]
    return {
        each.name: {one.arg for one in each.args.args} for each in functions if each.name.startswith("test_")
    }


def test_the_table_has_rows():
    assert len(promises()) > 20


@pytest.mark.parametrize("promise", promises(), ids=lambda promise: promise.text)
def test_each_promise_names_the_test_that_shows_it(promise):
    assert promise.test in find_tests(promise.file)
    assert set(promise.cells.values()) <= {"yes", "no", "server's own"}
    if promise.file == EVERY_SERVER:
        assert find_tests(EVERY_SERVER)[promise.test] & {"product", "kind"}
    else:
        assert promise.cells == {**dict.fromkeys(SERVERS.values(), "server's own"), "serve": "yes"}


def test_each_test_of_every_server_has_a_row():
    assert {promise.test for promise in promises() if promise.file == EVERY_SERVER} == set(
        find_tests(EVERY_SERVER)
    )


def test_the_text_has_the_numbers_of_the_configuration():
    text = (FILE.parent / "operations.md").read_text()
    for number, unit in [
        (gunicorn_conf.graceful_timeout, " seconds"),
        (gunicorn_conf.timeout, " seconds"),
        (gunicorn_conf.keepalive, " s |"),
    ]:
        assert f"{number}{unit}" in text
    assert f"{gunicorn_conf.worker_connections:,}" in text
