"""Runs libcurl's transfers: in a greenlet, beside the others; anywhere else, in the calling thread."""

import sys
from typing import TYPE_CHECKING, Any

import pycurl

if TYPE_CHECKING:
    from bff.medblocks.curl.greenlets import TransferLoop


class Transfers:
    """Runs transfers beside each other. Takes how many connections may stay open between them."""

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._loops: dict[Any, TransferLoop] = {}

    def perform(self, handle: pycurl.Curl) -> None:
        """Do the transfer that a handle describes. Raise pycurl.error, as `Curl.perform` does."""
        gevent = sys.modules.get("gevent")  # not imported where the server does not use it
        if gevent is None or not isinstance(gevent.getcurrent(), gevent.Greenlet):
            handle.perform()
            return
        hub = gevent.get_hub()
        loop = self._loops.get(hub)
        if loop is None:
            from bff.medblocks.curl.greenlets import TransferLoop  # noqa: PLC0415 - needs gevent

            loop = self._loops[hub] = TransferLoop(hub, self._connections)
        loop.run(handle)
