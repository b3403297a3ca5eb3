"""Log lines: each record one JSON object on standard error, in a few microseconds."""

import logging
import sys
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import TextIO

from gevent import Greenlet, getcurrent
from gevent.hub import get_hub

from bff.quick_json import dumps


class JsonLines(logging.Formatter):
    """Writes each record as one JSON object, for whatever collects the logs."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line: time in UTC, level, logger, message, and the fields of `extra={"data": …}`."""
        level, data = record.levelname.lower(), getattr(record, "data", {})
        return _line(record.created, level, record.name, record.getMessage(), data)


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
            self.write(self.format(record))
        except Exception:  # noqa: BLE001 - logging never fails the one that logs
            self.handleError(record)

    def write(self, line: str) -> None:
        """Write a line soon."""
        self._waiting.append(line + "\n")
        if not isinstance(getcurrent(), Greenlet):
            self.flush()
        elif len(self._waiting) == 1:
            get_hub().loop.run_callback(self.flush)

    def flush(self) -> None:
        """Write what waits; `logging` asks for it at the end of the program, too."""
        lines, self._waiting = self._waiting, []
        if lines:
            self.stream.write("".join(lines))


# What `configure_logging` has set, which `tell` may write to directly.
_own: list[Lines] = []


def tell(logger: logging.Logger, message: str, data: Mapping[str, object]) -> None:
    """Do what `logger.info(message, extra={"data": data})` does, which every request does twice.

    Where `configure_logging` has set all of the logging up, it takes a fifth of the time: `logging` looks
    for the caller's file and asks a handful of objects that would have nothing to say.
    """
    if not _own or logging.root.handlers != _own or logger.handlers:
        logger.info(message, extra={"data": data})
    elif logger.isEnabledFor(logging.INFO):
        try:
            for handler in _own:
                handler.write(_line(time.time(), "info", logger.name, message, data))
        except Exception:  # noqa: BLE001 - logging never fails the one that logs: it tells of the fault itself
            logger.info(message, extra={"data": data})


def _line(seconds: float, level: str, logger: str, message: str, data: Mapping[str, object]) -> str:
    line = {"time": _second(int(seconds)), "level": level, "logger": logger, "message": message, **data}
    return dumps(line).decode()


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def configure_logging() -> None:
    """Send the product's log to standard error, one JSON object a line."""
    handler = Lines(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    _own[:] = [handler]
    quiet_http_client()


def quiet_http_client() -> None:
    """Keep urllib3's debug lines out of every log: they show paths, and with them patient ids."""
    logging.getLogger("urllib3").setLevel(logging.WARNING)
