"""gunicorn's own log, in the product's log lines and without request lines: those carry patient ids."""

import logging
from typing import Any

from gunicorn.glogging import Logger as GunicornLogger

from bff.logs import configure_logging


class Logger(GunicornLogger):
    """`--logger-class bff.server.logger.Logger`, for any worker class of gunicorn's."""

    def setup(self, cfg: Any) -> None:
        """Send the lines through `logging` the way `bff.configure_logging` sets it up."""
        self.cfg = cfg
        configure_logging()
        self.loglevel = self.LOG_LEVELS.get(cfg.loglevel.lower(), logging.INFO)
        self.error_log.propagate = True
        self.error_log.setLevel(self.loglevel)

    def access(self, *_: object) -> None:
        """Log nothing: the app has a line for each request, with its route instead of its path."""

    def exception(self, msg: str | Exception, *_: object, **__: object) -> None:
        """Log an exception without the request that gunicorn names beside it."""
        text = msg.partition("%")[0].strip() if isinstance(msg, str) else type(msg).__name__
        self.error_log.error(text, exc_info=True)

    def warning(self, msg: str, *args: object, **kwargs: Any) -> None:
        """Log a warning; of a malformed request, gunicorn's would repeat its text."""
        if msg.startswith("Invalid request"):
            msg, args = "A malformed request was refused.", ()
        self.error_log.warning(msg, *args, **kwargs)
