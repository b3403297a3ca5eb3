"""What the operator sees of each request: a request id, and one log line without names, ids or urls."""

import logging
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TextIO

from flask import Flask, Response, g, has_request_context, request

from bff.quick_json import dumps

log = logging.getLogger("bff.access")
audit_log = logging.getLogger("bff.audit")


@dataclass
class Entry:
    """What a block learns about the event that it is."""

    patient_id: str | None = None
    upstream_request_id: str | None = None


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
    """Writes each record to standard error, which Python flushes at the end of each line by itself."""

    def handle(self, record: logging.LogRecord) -> bool:
        """Write a record, without a lock and filters: a line is written in one call, so it stays whole."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; a fault in it is told as `logging` tells it."""
        try:
            self.stream.write(self.format(record) + "\n")
        except Exception:  # noqa: BLE001 - logging never fails the one that logs
            self.handleError(record)


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
            "request_id": g.request_id if has_request_context() else None,
            "upstream_request_id": upstream_request_id,
        }
        if details:
            data.update(details)
        audit_log.info("audit", extra={"data": data})

    @contextmanager
    def trail(self, event: str, *, actor: str, patient_id: str | None = None) -> Iterator[Entry]:
        """Record an event with the outcome of the block: `ok`, or the name of what it raised."""
        entry = Entry()
        outcome = "ok"
        try:
            yield entry
        except Exception as error:
            outcome = type(error).__name__
            refusal = getattr(error, "refusal", None)  # of what Medblocks refused
            entry.upstream_request_id = getattr(refusal, "request_id", None)
            raise
        finally:
            self.record(
                event,
                outcome,
                actor=actor,
                patient_id=entry.patient_id or patient_id,
                upstream_request_id=entry.upstream_request_id,
            )


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
        g.request_id = f"req_{secrets.token_hex(12)}"
        g.started = time.perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        data = {
            "request_id": g.request_id,
            "method": request.method,
            # The rule, such as /api/patients/<patient_id>: a path would carry the id.
            "route": str(request.url_rule or "none"),
            "status": response.status_code,
            "ms": round((time.perf_counter() - g.started) * 1000, 1),
        }
        log.info("request", extra={"data": data})
        return response
