"""Runs libcurl's transfers: concurrently in greenlets, otherwise in the calling thread."""

import sys
from typing import TYPE_CHECKING, Any

import pycurl

if TYPE_CHECKING:
    from bff.medblocks.curl.greenlets import TransferLoop


class Transfers:
    """Runs transfers. Takes how many idle connections to keep."""

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._loops: dict[Any, TransferLoop] = {}

    def perform(self, handle: pycurl.Curl) -> None:
        """Run the transfer that a handle describes. Raise pycurl.error, as `Curl.perform` does."""
        gevent = sys.modules.get("gevent")  # not imported unless the server uses it
        if gevent is None or not isinstance(gevent.getcurrent(), gevent.Greenlet):
            handle.perform()
            return
        hub = gevent.get_hub()
        loop = self._loops.get(hub)
        if loop is None:
            from bff.medblocks.curl.greenlets import TransferLoop  # noqa: PLC0415 - needs gevent

            loop = self._loops[hub] = TransferLoop(hub, self._connections)
        loop.run(handle)
