"""gunicorn's log as JSON lines, without requests: those contain patient ids."""

import logging
from typing import Any

from gunicorn.glogging import Logger as GunicornLogger

from bff.logs import configure_logging


class Logger(GunicornLogger):
    """For `--logger-class bff.server.logger.Logger`, with any worker class of gunicorn."""

    def setup(self, cfg: Any) -> None:
        """Log through `logging` as `bff.configure_logging` configures it."""
        self.cfg = cfg
        configure_logging()
        self.loglevel = self.LOG_LEVELS.get(cfg.loglevel.lower(), logging.INFO)
        self.error_log.propagate = True
        self.error_log.setLevel(self.loglevel)

    def access(self, *_: object) -> None:
        """Log nothing: the app logs each request, with its route instead of its path."""

    def exception(self, msg: str | Exception, *_: object, **__: object) -> None:
        """Log an exception without the request, which gunicorn adds to the message."""
        text = msg.partition("%")[0].strip() if isinstance(msg, str) else type(msg).__name__
        self.error_log.error(text, exc_info=True)

    def warning(self, msg: str, *args: object, **kwargs: Any) -> None:
        """Log a warning, without the text of a malformed request."""
        if msg.startswith("Invalid request"):
            msg, args = "A malformed request was refused.", ()
        self.error_log.warning(msg, *args, **kwargs)
