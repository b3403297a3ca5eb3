"""The catalog in memory: when Medblocks is asked, and what is served when it can't be."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from bff.medblocks import catalog as module
from bff.medblocks.catalog import LIFE_SECONDS, Catalog
from bff.medblocks.deadline import remaining
from bff.medblocks.errors import (
    BadResponse,
    CallRejected,
    ConnectionFailed,
    InvalidApiKey,
    InvalidRequest,
    NotFound,
    RateLimited,
    UpstreamTimeout,
)
from tests.factories import facilities

DOWN = [RateLimited, InvalidApiKey, CallRejected, UpstreamTimeout, ConnectionFailed, BadResponse]


class Medblocks:
    """Answers with numbered bodies, or fails; keeps what it was asked for."""

    def __init__(self):
        self.asked = []
        self.error = None
        self.before = lambda: None
        self.connections = self

    def list(self, *, q, limit, starting_after, **options):
        return self._answer((q, options["type"], limit, starting_after))

    def retrieve(self, facility_id):
        return self._answer(facility_id)

    def _answer(self, question):
        self.asked.append(question)
        number = len(self.asked)
        self.before()
        if self.error:
            raise self.error("look up facility")
        return {"number": number}


@pytest.fixture
def upstream():
    return Medblocks()


@pytest.fixture
def catalog(upstream, clock):
    return Catalog(upstream, 4.0, clock)


LOOK_UPS = {
    "search": lambda catalog: catalog.search("alder"),
    "facility": lambda catalog: catalog.facility("fhirsrc_1"),
}


@pytest.fixture(params=LOOK_UPS.values(), ids=LOOK_UPS)
def look_up(request, catalog):
    return lambda: request.param(catalog)


def test_a_look_up_is_cached(look_up, upstream, clock):
    look_up()
    clock.now += LIFE_SECONDS - 1

    assert look_up() == {"number": 1}
    assert len(upstream.asked) == 1


def test_stale_entries_are_looked_up_again(look_up, clock):
    look_up()
    clock.now += LIFE_SECONDS

    assert look_up() == {"number": 2}
    assert look_up() == {"number": 2}


@pytest.mark.parametrize("error", DOWN)
def test_stale_entries_are_used_during_an_outage(look_up, upstream, clock, error):
    look_up()
    clock.now += 100 * LIFE_SECONDS
    upstream.error = error

    assert look_up() == {"number": 1}


def test_stale_entries_are_refreshed_after_an_outage(look_up, upstream, clock):
    look_up()
    clock.now += LIFE_SECONDS
    upstream.error = BadResponse
    look_up()
    upstream.error = None

    assert look_up() == {"number": 3}


@pytest.mark.parametrize("error", [NotFound, InvalidRequest])
def test_a_404_overrides_a_cached_entry(look_up, upstream, clock, error):
    look_up()
    clock.now += LIFE_SECONDS
    upstream.error = error

    with pytest.raises(error):
        look_up()


@pytest.mark.parametrize("error", [*DOWN, NotFound, InvalidRequest])
def test_an_uncached_failure_is_raised_and_not_cached(look_up, upstream, error):
    upstream.error = error
    with pytest.raises(error):
        look_up()
    upstream.error = None

    assert look_up() == {"number": 2}


@pytest.mark.parametrize("q", ["", "a"])
def test_under_two_characters_nothing_is_searched(catalog, upstream, q):
    assert catalog.search(q) == facilities()
    assert not upstream.asked


def test_a_search_asks_for_twenty_after_a_cursor(catalog, upstream):
    catalog.search("al", "cursor-1")

    assert upstream.asked == [("al", None, 20, "cursor-1")]


def test_a_vendor_alone_is_searched(catalog, upstream):
    catalog.search("", None, "epic")

    assert upstream.asked == [("", "epic", 20, None)]


def test_one_letter_with_a_vendor_is_not_searched(catalog, upstream):
    assert catalog.search("a", None, "epic") == facilities()
    assert not upstream.asked


def test_entries_differ_by_text_cursor_and_facility(catalog):
    found = [
        catalog.search("alder"),
        catalog.search("birch"),
        catalog.search("alder", "cursor-1"),
        catalog.search("alder", None, "epic"),
        catalog.facility("fhirsrc_1"),
        catalog.facility("fhirsrc_2"),
    ]

    assert [body["number"] for body in found] == [1, 2, 3, 4, 5, 6]


def test_the_least_recently_used_entry_is_evicted(upstream, clock, monkeypatch):
    monkeypatch.setattr(module, "_MAX_ENTRIES", 2)
    catalog = Catalog(upstream, 4.0, clock)
    for facility_id in ("fhirsrc_1", "fhirsrc_2", "fhirsrc_1", "fhirsrc_3", "fhirsrc_1", "fhirsrc_2"):
        catalog.facility(facility_id)

    assert upstream.asked == ["fhirsrc_1", "fhirsrc_2", "fhirsrc_3", "fhirsrc_2"]


def test_a_look_up_has_its_own_budget(catalog, upstream):
    left = []
    upstream.before = lambda: left.append(remaining("look up facility"))

    catalog.facility("fhirsrc_1")

    assert 0 < left[0] <= 4


def test_equal_concurrent_look_ups_are_one_call(catalog, upstream, waiting):
    go = Event()
    upstream.before = lambda: go.wait(10)

    with ThreadPoolExecutor(16) as threads:
        ends = [threads.submit(catalog.search, "alder") for _ in range(16)]
        assert all(waiting.acquire(timeout=10) for _ in range(15))
        go.set()

    assert [end.result() for end in ends] == [{"number": 1}] * 16


def test_many_threads_may_use_a_full_memory(upstream, clock, monkeypatch):
    monkeypatch.setattr(module, "_MAX_ENTRIES", 4)
    catalog = Catalog(upstream, 4.0, clock)

    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda number: catalog.facility(f"fhirsrc_{number % 9}"), range(2000)))

    assert len(found) == 2000
    assert all(body["number"] for body in found)


@pytest.mark.parametrize(
    ("first", "second"), [("kestrel", "\u212aestrel"), ("alder", "ALDER"), ("s", "\u017f")]
)
def test_a_search_is_kept_under_what_was_asked(catalog, upstream, first, second):
    """A Kelvin sign becomes a plain k in lower case, and Medblocks finds something else for it."""
    for q in (first + "x", second + "x"):
        catalog.search(q)

    assert [question[0] for question in upstream.asked] == [first + "x", second + "x"]
