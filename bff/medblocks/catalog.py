"""The catalog of facilities, cached in memory: it contains no patient data.

While Medblocks is unavailable, cached entries are used however old they are.
"""

import time
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from typing import TypeVar, cast

from cachetools import LRUCache

from bff.medblocks.client import Medblocks
from bff.medblocks.deadline import Within, within
from bff.medblocks.errors import InvalidRequest, MedblocksError, NotFound
from bff.medblocks.locks import Lock
from bff.medblocks.models import Facility, FacilityPage
from bff.medblocks.single_flight import SingleFlight

LIFE_SECONDS = 600.0
_MAX_ENTRIES = 2000
SEARCH_MIN, SEARCH_MAX = 2, 200
VENDOR_MAX = 50
CURSOR_MAX = 500
SEARCH_LIMIT = 20


T = TypeVar("T", Facility, FacilityPage)


class Catalog:
    """Looks up facilities. Takes the client, and how many seconds a look-up may take.

    `within` takes these seconds, and returns the context manager that limits a look-up.
    """

    def __init__(
        self,
        medblocks: Medblocks,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        within: Within = within,
    ) -> None:
        self._medblocks = medblocks
        self._seconds = seconds
        self._clock = clock
        self._within = within
        self._lock = Lock()  # reading an LRU cache changes it
        self._kept: LRUCache[Hashable, tuple[float, Facility | FacilityPage]] = LRUCache(_MAX_ENTRIES)
        self._calls: SingleFlight[Facility | FacilityPage] = SingleFlight()

    def search(self, q: str, starting_after: str | None = None, vendor: str | None = None) -> FacilityPage:
        """Return a page of matching facilities, 20 at most: `data`, `has_more` and `next_cursor`.

        A query under two characters matches nothing, as in Medblocks' own search. A vendor alone, with an
        empty query, matches all of its facilities. Raise MedblocksError.
        """
        if len(q) < SEARCH_MIN and (q or not vendor):
            return {"resource_type": "list", "data": [], "has_more": False, "next_cursor": None}
        connections = self._medblocks.connections
        return self._get(
            ("search", q, starting_after, vendor),
            lambda: connections.list(q=q, type=vendor, limit=SEARCH_LIMIT, starting_after=starting_after),
        )

    def facility(self, facility_id: str) -> Facility:
        """Return one facility. Raise NotFound, or any other MedblocksError."""
        return self._get(facility_id, lambda: self._medblocks.connections.retrieve(facility_id))

    def cached(self, facility_id: str) -> Facility | None:
        """Return a facility if it needs no call, else None."""
        body, is_fresh = self._look_up(facility_id)
        return cast("Facility", body) if is_fresh else None

    def budget(self) -> AbstractContextManager[None]:
        """Return a context with the time of a look-up. Entering it raises CallRejected without a slot."""
        return self._within(self._seconds)

    def _look_up(self, key: Hashable) -> tuple[Facility | FacilityPage | None, bool]:
        """Return what is kept under a key, or None, and whether it may be used without a call."""
        with self._lock:
            until, body = self._kept.get(key, (0.0, None))
        return body, body is not None and self._clock() < until

    def _get(self, key: Hashable, call: Callable[[], T]) -> T:
        body, is_fresh = self._look_up(key)
        if is_fresh:
            return cast("T", body)
        try:
            with self.budget():
                fresh = cast("T", self._calls.run(key, "look up facility", call))
        except (NotFound, InvalidRequest):
            raise
        except MedblocksError:
            if body is None:
                raise
            return cast("T", body)
        with self._lock:
            self._kept[key] = (self._clock() + LIFE_SECONDS, fresh)
        return fresh
