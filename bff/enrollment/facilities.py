"""Adds the facilities' details from the catalog to a patient's connections."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from contextvars import copy_context
from typing import Any

from bff.medblocks.catalog import Catalog
from bff.medblocks.errors import CallRejected, MedblocksError

_MAX_THREADS = 32
_SHOWN = ("name", "type", "logo_url", "portal_url", "fhir_base_url")


class Facilities:
    """Looks facilities up in parallel."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._pool = ThreadPoolExecutor(_MAX_THREADS, thread_name_prefix="facility")

    def hydrate(self, connections: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Describe the connections except those whose authorization failed, which have no data.

        Like the official SDK's `getConnections(id, {hydrate: true})`.
        """
        return self.described(connection for connection in connections if connection["status"] != "failed")

    def described(self, connections: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return `id`, `connection_id` and `status` of each connection, with the fields of its facility.

        The fields are None for a facility that can't be looked up.
        """
        connections = list(connections)
        facility_ids = dict.fromkeys(connection["connection_id"] for connection in connections)
        with ExitStack() as stack:
            with suppress(CallRejected):  # facilities in the catalog's cache need no call
                stack.enter_context(self._catalog.budget())
            # The context carries the budget into the pool's threads: they share the request's one slot.
            lookups = {id_: self._pool.submit(copy_context().run, self.look_up, id_) for id_ in facility_ids}
            facilities = {id_: lookup.result() for id_, lookup in lookups.items()}
        return [
            {
                **{name: connection[name] for name in ("id", "connection_id", "status")},
                **{name: facilities[connection["connection_id"]].get(name) for name in _SHOWN},
            }
            for connection in connections
        ]

    def look_up(self, facility_id: str) -> Mapping[str, Any]:
        """Return a facility from the catalog, or an empty dict if it can't be looked up."""
        try:
            return self._catalog.facility(facility_id)
        except MedblocksError:
            return {}
