"""The request log, and logging through the standard library: JSON lines, or readable ones on a terminal."""

import json
import logging
import logging.config
import os
import random
import sys
import time
import traceback
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:  # gunicorn's parent process needs no Flask
    from flask import Response

    from bff.request_context import RequestContext

request_log = logging.getLogger("bff.access")

# A value that JSON can't express is logged as its `repr`, rather than losing the line.
_encode = msgspec.json.Encoder(enc_hook=repr).encode


class Fields(dict[str, object]):
    """A log message that consists of fields, `message` first. Its text is the fields as JSON.

    So no formatter loses a field, and formatters that accept a mapping as the message add the fields to
    theirs.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return _json(self)


def start_request(context: "RequestContext") -> None:
    """Set the request's id and start time."""
    context.request_id = new_request_id()
    context.started = time.perf_counter()


def new_request_id() -> str:
    """Return an id for a request, which its response and its log lines have."""
    return f"req_{random.getrandbits(96):024x}"


def log_request(context: "RequestContext", response: "Response") -> float:
    """Add the id to the response, and log the request. Return how many seconds it took.

    The line has no names, patient ids or URLs.
    """
    seconds = time.perf_counter() - context.started
    response.headers["X-Request-Id"] = context.request_id
    line = Fields(
        message="request",
        request_id=context.request_id,
        method=context.method,
        route=context.route,
        status=response.status_code,
        ms=round(seconds * 1000, 1),
    )
    if context.trace_id:
        line["trace_id"] = context.trace_id
    request_log.info(line)
    return seconds


class JsonFormatter(logging.Formatter):
    """Formats each record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a line with time (UTC), level, logger, message, fields, and an exception's location.

        The exception's text is left out, since it may contain anything.
        """
        message = record.msg
        line = {
            "time": _second(int(record.created)),
            "level": _level(record.levelname),
            "logger": record.name,
            **(message if isinstance(message, Fields) else {"message": record.getMessage()}),
        }
        if record.exc_info and record.exc_info[1]:
            line["error"] = error_location(record.exc_info[1])
        return _json(line)


class TextFormatter(logging.Formatter):
    """Formats each record as one readable line, for a terminal; a request's is colored by its status."""

    def __init__(self, *, color: bool = True) -> None:
        super().__init__()
        self._color = color

    def format(self, record: logging.LogRecord) -> str:
        """Return a line with local time and the fields of a request, or the message and its fields."""
        message = record.msg
        fields = dict(message) if isinstance(message, Fields) else {"message": record.getMessage()}
        if record.exc_info and record.exc_info[1]:
            fields["error"] = error_location(record.exc_info[1])
        if record.name == request_log.name and "status" in fields:
            text = "{method} {route} {status} {ms} ms {request_id}".format(**fields)
            color = _STATUS_COLORS.get(str(fields["status"])[0], "")
        else:
            rest = [
                f"{name}={value}" for name, value in fields.items() if name != "message" and value is not None
            ]
            text = " ".join([record.levelname, str(fields["message"]), *rest])
            color = _RED if record.levelno >= logging.ERROR else ""
        line = f"{time.strftime('%H:%M:%S', time.localtime(record.created))} {text}"
        return f"{color}{line}{_PLAIN}" if self._color and color else line


LOG_LEVELS = ("debug", "info", "warning", "error")  # of `BFF_LOG_LEVEL`
_RED, _PLAIN = "\x1b[31m", "\x1b[0m"
_STATUS_COLORS = {"2": "\x1b[32m", "3": "\x1b[36m", "4": "\x1b[33m", "5": _RED}


def configure_logging() -> None:
    """Send all log lines to standard error: readable ones to a terminal, else one JSON object each.

    `BFF_LOG_FORMAT` (`json`, `text` or `auto`) and `BFF_LOG_LEVEL` change that. This configures logging for
    the whole process, as the command line does. An embedding app may call it, or configure logging in its
    own way.
    """
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"()": lambda: _formatter(os.environ.get("BFF_LOG_FORMAT", ""))}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"level": _environment_level(), "handlers": ["stderr"]},
        }
    )
    # Saves look-ups for fields that no line shows ("Optimization" in logging's documentation).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    quiet_http_client()


def follow_settings(level: str, kind: str) -> None:
    """Log with the level and the format of the settings, unless the process logs in its own way.

    If nothing has configured logging, our lines go to standard error, as Flask does for its logger. Without a
    handler, Python drops everything below a warning, including the audit trail. After `configure_logging`,
    which reads the environment alone, settings from elsewhere apply too.
    """
    from flask.logging import has_level_handler  # noqa: PLC0415 - gunicorn's parent process needs no Flask

    logger, root = logging.getLogger("bff"), logging.getLogger()
    if not has_level_handler(logger):
        handler = logging.StreamHandler()
        handler.setFormatter(_formatter(kind))
        logger.addHandler(handler)
        if logger.level == logging.NOTSET:
            logger.setLevel(level.upper())
    for ours in [each for each in root.handlers if isinstance(each.formatter, JsonFormatter | TextFormatter)]:
        ours.setFormatter(_formatter(kind))
        if logging.getLevelName(root.level) == _environment_level():  # no one has changed it since
            root.setLevel(level.upper())


def _formatter(kind: str) -> logging.Formatter:
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    if kind == "text" or (kind != "json" and is_terminal):
        return TextFormatter(color=not os.environ.get("NO_COLOR"))  # https://no-color.org
    return JsonFormatter()


def _environment_level() -> str:
    # An invalid level is INFO here: the app refuses it at its start, with the name of the setting.
    level = os.environ.get("BFF_LOG_LEVEL", "").strip().lower()
    return (level if level in LOG_LEVELS else "info").upper()


def quiet_http_client() -> None:
    """Keep urllib3's debug lines out of every log: they contain paths, and with them patient ids."""
    logging.getLogger("urllib3").setLevel(logging.WARNING)


def error_location(error: BaseException) -> str:
    """Return an exception's type and where it was raised, without its text, which may contain anything."""
    frames = [
        frame
        for frame in reversed(traceback.extract_tb(error.__traceback__))
        if not frame.filename.startswith("<frozen importlib")
    ]
    where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[:8]]
    if isinstance(error, SyntaxError):  # raised by the import, not by the file that it is in
        where.insert(0, f"{error.filename}:{error.lineno}")
    return f"{type(error).__name__} at {' < '.join(where)}"


def _json(fields: dict[str, object]) -> str:
    try:
        return _encode(fields).decode()
    except UnicodeEncodeError:  # half of a surrogate pair can't be encoded in UTF-8
        return json.dumps(fields, default=repr)


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


_level = lru_cache(maxsize=16)(str.lower)
