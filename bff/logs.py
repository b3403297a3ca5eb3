"""Logging: every line one JSON object on standard error, through the standard library's `logging`."""

import json
import logging
import logging.config
import time
import traceback
from functools import lru_cache

import msgspec

# A value that JSON has no form for becomes its `repr`: no field is worth losing the line.
_encode = msgspec.json.Encoder(enc_hook=repr).encode


class Fields(dict[str, object]):
    """A log message that consists of fields, `message` first. Its text is their JSON.

    So every formatter writes the fields, and those that take a mapping as a message write them as theirs.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return _json(self)


class JsonFormatter(logging.Formatter):
    """Formats each record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return time (UTC), level, logger, message, the fields of `extra={"data": …}`, and the exception.

        Of an exception the line has the type and the place, not the text, which may hold anything.
        """
        message = record.msg
        line = {
            "time": _second(int(record.created)),
            "level": _level(record.levelname),
            "logger": record.name,
            **(message if isinstance(message, Fields) else _fields(record)),
        }
        if record.exc_info and record.exc_info[1]:
            line["error"] = error_location(record.exc_info[1])
        return _json(line)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    data = getattr(record, "data", None)
    return {"message": record.getMessage(), **(data if isinstance(data, dict) else {})}


def configure_logging() -> None:
    """Send all log lines to standard error, one JSON object each.

    This configures logging for the whole process, as the command line does. An app that embeds this one
    can call it, or configure logging its own way.
    """
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonFormatter}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "loggers": {"urllib3": {"level": "WARNING"}},  # see quiet_http_client
            "root": {"level": "INFO", "handlers": ["stderr"]},
        }
    )
    # No line shows these, and each record would look them up ("Optimization" in logging's documentation).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def add_default_handler() -> None:
    """Send the product's lines to standard error where nothing has configured logging.

    As Flask does for its own logger: without it, Python drops everything below a warning, and with that
    the audit trail.
    """
    from flask.logging import has_level_handler  # noqa: PLC0415 - gunicorn's parent process needs no Flask

    logger = logging.getLogger("bff")
    if has_level_handler(logger):
        return
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logger.addHandler(handler)
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)


def quiet_http_client() -> None:
    """Keep urllib3's debug lines out of every log: they show paths, and with them patient ids."""
    logging.getLogger("urllib3").setLevel(logging.WARNING)


def error_location(error: BaseException) -> str:
    """Return an exception's type and where it was raised, without its text, which may hold anything."""
    frames = reversed(traceback.extract_tb(error.__traceback__)[-8:])
    where = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{type(error).__name__} at {where}"


def _json(fields: dict[str, object]) -> str:
    try:
        return _encode(fields).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, which UTF-8 has no form for
        return json.dumps(fields, default=repr)


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


_level = lru_cache(maxsize=16)(str.lower)
