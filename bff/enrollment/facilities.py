"""Adds the facilities' details from the catalog to a patient's connections."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from contextvars import copy_context
from typing import Any

from bff.medblocks.catalog import Catalog
from bff.medblocks.errors import CallRejected, MedblocksError

_MAX_THREADS = 10  # of a request; with a pool for all of them, one could delay the others
_SHOWN = ("name", "type", "logo_url", "portal_url", "fhir_base_url")


class Facilities:
    """Looks facilities up, in parallel as far as the client's share of the calls allows.

    `slot` returns a context manager that takes one more of the client's slots, or raises CallRejected.
    """

    def __init__(
        self, catalog: Catalog, slot: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> None:
        self._catalog = catalog
        self._slot = slot

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
        facilities = self._find(dict.fromkeys(connection["connection_id"] for connection in connections))
        return [
            {
                **{name: connection[name] for name in ("id", "connection_id", "status")},
                **{name: facilities[connection["connection_id"]].get(name) for name in _SHOWN},
            }
            for connection in connections
        ]

    def _find(self, facility_ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        cached = {id_: self._catalog.cached(id_) for id_ in facility_ids}
        found: dict[str, Mapping[str, Any]] = {id_: facility for id_, facility in cached.items() if facility}
        missing = [id_ for id_ in cached if id_ not in found]
        if not missing:
            return found
        with ExitStack() as stack:
            with suppress(CallRejected):  # old facilities in the catalog's cache need no call
                stack.enter_context(self._catalog.budget())
            threads = self._take_slots(stack, min(len(missing), _MAX_THREADS))
            pool = stack.enter_context(ThreadPoolExecutor(threads, thread_name_prefix="facility"))
            # The context carries the budget into the pool's threads.
            look_ups = [pool.submit(copy_context().run, self.look_up, id_) for id_ in missing]
            return found | {id_: done.result() for id_, done in zip(missing, look_ups, strict=True)}

    def _take_slots(self, stack: ExitStack, most: int) -> int:
        """Take a slot for each further call at the same time, and return how many calls there may be."""
        for calls in range(1, most):
            try:
                stack.enter_context(self._slot())
            except CallRejected:
                return calls
        return most

    def look_up(self, facility_id: str) -> Mapping[str, Any]:
        """Return a facility from the catalog, or an empty dict if it can't be looked up."""
        try:
            return self._catalog.facility(facility_id)
        except MedblocksError:
            return {}
