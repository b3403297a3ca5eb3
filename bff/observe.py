"""What the operator sees of each request: a request id, and one log line without names, ids or urls."""

import logging
import random
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any, Self, TextIO, cast

from flask import Flask, Request, Response, g, has_request_context, request
from gevent import Greenlet, getcurrent
from gevent.hub import get_hub
from werkzeug.local import LocalProxy

from bff.quick_json import dumps

log = logging.getLogger("bff.access")
audit_log = logging.getLogger("bff.audit")


class JsonLines(logging.Formatter):
    """Writes each record as one JSON object, for whatever collects the logs."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line: time in UTC, level, logger, message, and the fields of `extra={"data": …}`."""
        line = {
            "time": _second(int(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "data", {}),
        }
        return dumps(line).decode()


class Lines(logging.StreamHandler[TextIO]):
    """Writes records to standard error; in a server, those of one turn of its event loop in one call.

    A write takes as long as all else that a line costs. Each line stays whole, and is written before the
    loop waits for anything again.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._waiting: list[str] = []

    def handle(self, record: logging.LogRecord) -> bool:
        """Write a record, without the lock and the filters of other handlers."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record soon; a fault in it is told as `logging` tells it."""
        try:
            self._waiting.append(self.format(record) + "\n")
            if not isinstance(getcurrent(), Greenlet):
                self.flush()
            elif len(self._waiting) == 1:
                get_hub().loop.run_callback(self.flush)
        except Exception:  # noqa: BLE001 - logging never fails the one that logs
            self.handleError(record)

    def flush(self) -> None:
        """Write what waits; `logging` asks for it at the end of the program, too."""
        lines, self._waiting = self._waiting, []
        if lines:
            self.stream.write("".join(lines))


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Audit:
    """Writes the audit trail to the logger `bff.audit`: who did what, with what outcome.

    Takes what turns an actor or a patient id into a keyed pseudonym: the same one always gets the same,
    and without the key nobody can tell whose it is.
    """

    def __init__(self, pseudonym: Callable[[str, str], str]) -> None:
        self._pseudonym = pseudonym

    def record(
        self,
        event: str,
        outcome: str,
        *,
        actor: str | None = None,
        patient_id: str | None = None,
        upstream_request_id: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Write one line. The details must not be about a person."""
        data = {
            "event": event,
            "outcome": outcome,
            "actor": actor and self._pseudonym("actor", actor),
            "patient": patient_id and self._pseudonym("patient", patient_id),
            "request_id": _here().request_id if has_request_context() else None,
            "upstream_request_id": upstream_request_id,
        }
        if details:
            data.update(details)
        audit_log.info("audit", extra={"data": data})

    def trail(self, event: str, *, actor: str, patient_id: str | None = None) -> "Entry":
        """Record the event that a `with` block is: `ok`, or the name of what it raised."""
        return Entry(self, event, actor, patient_id)


class Entry(AbstractContextManager["Entry"]):
    """An event that is under way; the block tells what it learns about it."""

    def __init__(self, audit: Audit, event: str, actor: str, patient_id: str | None) -> None:
        self._audit = audit
        self._event = event
        self._actor = actor
        self.patient_id = patient_id
        self.upstream_request_id: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is not None:
            refusal = getattr(error, "refusal", None)  # of what Medblocks refused
            self.upstream_request_id = getattr(refusal, "request_id", None)
        self._audit.record(
            self._event,
            "ok" if kind is None else kind.__name__,
            actor=self._actor,
            patient_id=self.patient_id,
            upstream_request_id=self.upstream_request_id,
        )


def whereabouts(error: BaseException) -> str:
    """Say what kind of exception it is and where it was raised, without its text, which may hold anything."""
    frames = reversed(traceback.extract_tb(error.__traceback__)[-8:])
    where = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{type(error).__name__} at {where}"


def configure_logging() -> None:
    """Send the product's log to standard error, one JSON object a line."""
    handler = Lines(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # The lines show none of these, and finding them out takes longer than writing the line: see
    # "Optimization" in Python's "Logging HOWTO".
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 - as that page says
    quiet_http_client()


def quiet_http_client() -> None:
    """Keep urllib3's debug lines out of every log: they show paths, and with them patient ids."""
    logging.getLogger("urllib3").setLevel(logging.WARNING)


def init_app(app: Flask) -> None:
    """Give each request an id and each answer a line in the log."""
    quiet_http_client()

    @app.before_request
    def start() -> None:
        here = _here()
        here.request_id = f"req_{random.getrandbits(96):024x}"
        here.started = time.perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        here, asked = _here(), cast("LocalProxy[Request]", request)._get_current_object()  # noqa: SLF001 - public, see Flask's docs
        response.headers["X-Request-Id"] = here.request_id
        data = {
            "request_id": here.request_id,
            "method": asked.method,
            # The rule, such as /api/patients/<patient_id>: a path would carry the id.
            "route": asked.url_rule.rule if asked.url_rule else "none",
            "status": response.status_code,
            "ms": round((time.perf_counter() - here.started) * 1000, 1),
        }
        log.info("request", extra={"data": data})
        return response


def _here() -> Any:
    """Give Flask's `g` itself: through its proxy, each name is a look-up of its own."""
    return cast("LocalProxy[Any]", g)._get_current_object()  # noqa: SLF001 - public, see Flask's docs
