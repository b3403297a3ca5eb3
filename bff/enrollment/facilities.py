"""A patient's connected facilities: what the catalog knows of each, beside the state of the connection.

As the official SDK's `getConnections(id, {hydrate: true})`, it leaves out connections whose authorization
failed, since they carry no data.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from contextvars import copy_context
from typing import Any

from bff.medblocks.catalog import Catalog
from bff.medblocks.errors import CallRejected, MedblocksError

_AT_ONCE = 32
_SHOWN = ("name", "type", "logo_url", "portal_url", "fhir_base_url")


class Facilities:
    """Looks facilities up side by side. Takes the catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="facility")

    def hydrate(self, connections: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Give `id`, `connection_id` and `status` of each connection, and its facility's fields.

        A facility that can't be looked up leaves its fields null, and the rest as they are.
        """
        return self.described(connection for connection in connections if connection["status"] != "failed")

    def described(self, connections: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Give the same for all connections, failed attempts too."""
        shown = list(connections)
        wanted = dict.fromkeys(connection["connection_id"] for connection in shown)
        with ExitStack() as stack:
            with suppress(CallRejected):  # what the catalog has kept is there all the same
                stack.enter_context(self._catalog.budget())
            # The context carries the budget into the pool's threads: they all share the request's one seat.
            running = {name: self._pool.submit(copy_context().run, self.look_up, name) for name in wanted}
            found = {name: lookup.result() for name, lookup in running.items()}
        return [
            {
                **{name: connection[name] for name in ("id", "connection_id", "status")},
                **{name: found[connection["connection_id"]].get(name) for name in _SHOWN},
            }
            for connection in shown
        ]

    def look_up(self, facility_id: str) -> dict[str, Any]:
        """Give what the catalog knows of a facility; nothing when it can't be looked up."""
        try:
            return self._catalog.facility(facility_id)
        except (MedblocksError, ValueError):  # ValueError: an id that no path can carry
            return {}
