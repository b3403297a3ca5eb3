"""gunicorn's log as JSON lines, without request lines, which contain patient ids."""

import logging
from typing import Any

from gunicorn.glogging import Logger as GunicornLogger

from bff.logs import configure_logging


class Logger(GunicornLogger):
    """`--logger-class bff.server.logger.Logger`, for any of gunicorn's worker classes."""

    def setup(self, cfg: Any) -> None:
        """Configure logging as `bff.configure_logging` does."""
        self.cfg = cfg
        configure_logging()
        self.loglevel = self.LOG_LEVELS.get(cfg.loglevel.lower(), logging.INFO)
        self.error_log.propagate = True
        self.error_log.setLevel(self.loglevel)

    def access(self, *_: object) -> None:
        """Log nothing: the app logs each request, with its route instead of its path."""

    def exception(self, msg: str | Exception, *_: object, **__: object) -> None:
        """Log an exception without the request that gunicorn adds."""
        text = msg.partition("%")[0].strip() if isinstance(msg, str) else type(msg).__name__
        self.error_log.error(text, exc_info=True)

    def warning(self, msg: str, *args: object, **kwargs: Any) -> None:
        """Log a warning; gunicorn's text about a malformed request would repeat the request."""
        if msg.startswith("Invalid request"):
            msg, args = "A malformed request was refused.", ()
        self.error_log.warning(msg, *args, **kwargs)
