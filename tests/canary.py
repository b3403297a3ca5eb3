"""A pytest plugin: through the whole run, no log record and no response header may hold a canary.

Canaries are the key and the names of people in tests. What a test makes on purpose is exempted by
`@pytest.mark.canary_exempt(reason=…)`.
"""

import copy
import functools
import logging
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

CANARIES = ("canary_key", "Asha Example", "Bo Example", "Mallory Example", "asha@example.com")


class Watch(logging.Handler):
    """Collects the hits since they were last taken, and counts what was looked at."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records = self.responses = self.hits = 0
        self.exempt = False
        self._fresh: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Look at a record: its text, its exception, and the fields that are logged beside it."""
        self.records += 1
        where = f"a record of the logger {record.name}"
        try:
            # A copy: formatting leaves its traces on a record, and other handlers see those.
            text = logging.Formatter().format(copy.copy(record))
        except Exception:  # noqa: BLE001 - whatever it is, nobody has looked at this record
            self._hit(f"{where} can't be read")
        else:
            self.look(f"{text} {getattr(record, 'data', '')}", where)

    def look(self, text: str, where: str) -> None:
        """Search a text for canaries."""
        for canary in CANARIES:
            if canary in text:
                self._hit(f"{where} holds {canary!r}")

    def take(self) -> list[str]:
        """Give what was found since the last time."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def listen(self) -> None:
        """Hear every logger that has no level of its own; those that have one stay as in production."""
        root = logging.getLogger()
        root.setLevel(logging.DEBUG)
        if self not in root.handlers:
            root.addHandler(self)

    def wrap(self, send):
        """Look at the headers of what a test client receives."""

        @functools.wraps(send)
        def open_(client: FlaskClient, *args: object, **kwargs: object) -> object:
            response = send(client, *args, **kwargs)
            self.responses += 1
            self.look(str(response.headers), "the headers of a response")
            return response

        return open_

    def counts(self) -> tuple[int, int, int]:
        """Give how many records and responses were looked at, and how many hits there were."""
        return self.records, self.responses, self.hits

    def add(self, records: int, responses: int, hits: int) -> None:
        """Count what another process has looked at."""
        self.records += records
        self.responses += responses
        self.hits += hits

    def summary(self) -> str:
        """Give the closing line of a run."""
        return f"canaries: {self.hits} hits in {self.records:,} log records and {self.responses:,} responses"

    def _hit(self, text: str) -> None:
        if not self.exempt:
            self.hits += 1
            self._fresh.append(text)


class Plugin:
    """Lets the test fail that leaks, and the run when the leak was outside of any test."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._send, self._level = FlaskClient.open, logging.getLogger().level
        FlaskClient.open = watch.wrap(self._send)
        watch.listen()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """Begin: a test before may have taken the handler away."""
        marker = item.get_closest_marker("canary_exempt")
        if marker and not marker.kwargs.get("reason"):
            pytest.fail("canary_exempt needs a reason", pytrace=False)
        self._watch.exempt = marker is not None
        self._watch.listen()
        yield
        self._settle()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        """Watch the test itself."""
        yield
        self._settle()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Iterator[None]:
        """Watch what the fixtures do last, and a failed test's hits."""
        try:
            yield
        finally:
            self._watch.exempt = False
        self._settle()

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a run in which there were hits; a worker of several hands its counts on."""
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["canaries"] = self._watch.counts()
        if self._watch.hits and not exitstatus:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node) -> None:
        """Add what a worker has looked at."""
        self._watch.add(*node.workeroutput.get("canaries", (0, 0, 0)))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was looked at."""
        for text in self._watch.take():
            terminalreporter.write_line(f"canary outside of any test: {text}", red=True)
        terminalreporter.write_line(self._watch.summary(), red=bool(self._watch.hits))

    def pytest_unconfigure(self) -> None:
        """Put back what was there."""
        FlaskClient.open = self._send
        logging.getLogger().removeHandler(self._watch)
        logging.getLogger().setLevel(self._level)

    def _settle(self) -> None:
        if found := self._watch.take():
            pytest.fail("\n".join(found), pytrace=False)


def pytest_configure(config: pytest.Config) -> None:
    """Begin to watch."""
    config.addinivalue_line("markers", "canary_exempt(reason): this test shows canaries on purpose")
    config.pluginmanager.register(Plugin(Watch()), "canaries")
