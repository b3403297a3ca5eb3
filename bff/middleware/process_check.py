"""Warns once if several processes serve without Redis: each of them then counts for itself."""

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = logging.getLogger("bff.server")

_EFFECT = (
    "and BFF_REDIS_URL is not set: each process counts rate limits, used invitations, idempotency keys and "
    "handled webhooks for itself. Set BFF_REDIS_URL, or serve with one process."
)


class ProcessCheck:
    """Learns from our worker how many processes serve, or else from the first request whether several do.

    Only our worker can tell it to the app at the start. Every WSGI server has to state it with each request,
    in `wsgi.multiprocess` (PEP 3333).
    """

    def __init__(self, *, shared: bool) -> None:
        self._done = shared

    def start(self, processes: int, *, first: bool) -> None:
        """Warn if the worker is the first of several processes; the requests then need no check."""
        if not self._done and first and processes > 1:
            log.warning("%d processes serve, %s", processes, _EFFECT)
        self._done = True

    def check(self, environ: "WSGIEnvironment") -> None:
        """Warn at the first request if the server says that there may be several processes."""
        if not self._done:
            self._done = True
            if environ.get("wsgi.multiprocess"):
                log.warning("The server can run several processes, %s", _EFFECT)
