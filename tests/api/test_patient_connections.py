"""`/api/patients/<patient_id>/connections`: the raw list, the facilities, and disconnecting."""

import json
import math
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bff.enrollment.facilities import Facilities
from bff.medblocks.bulkhead import UpstreamLimit
from bff.medblocks.catalog import Catalog
from bff.medblocks.errors import CallRejected
from tests.factories import HOST, connection, disconnected, error_body, facility, make_app, patient

CONNECTIONS = "/api/patients/user_42/connections"


@pytest.fixture
def browser():
    """A browser that is signed in as user_42, at an app whose catalog is empty yet."""
    return make_app(identify=lambda _: "user_42", BFF_RATE_LIMIT="off").test_client()


@pytest.fixture
def connected(medblocks):
    """Let the patient have connections to these facilities, each with a status."""

    def connect(**statuses):
        connections = [
            connection(id=f"conn_{number}", connection_id=f"fhirsrc_{name.rstrip('_')}", status=status)
            for number, (name, status) in enumerate(statuses.items())
        ]
        medblocks.get(f"{HOST}/patients/user_42", json=patient(connections=connections))
        return connections

    return connect


@pytest.fixture
def side_by_side(medblocks):
    """Let Medblocks know every facility, and answer only once so many look-ups are under way."""

    def wait_for(look_ups):
        together = threading.Barrier(look_ups)

        def answer(request):
            together.wait(10)  # breaks unless all are under way at once
            return 200, {}, json.dumps(facility(request.url.rpartition("_")[2]))

        medblocks.add_callback("GET", re.compile(f"{HOST}/connections/.*"), callback=answer)

    return wait_for


def look_ups(medblocks):
    return [call.request.url for call in medblocks.calls if "/connections/" in call.request.url]


def test_the_plain_list_includes_failed_connections(browser, medblocks, connected):
    connections = connected(a="active", b="failed")

    reply = browser.get(CONNECTIONS)

    assert (reply.status_code, reply.json) == (200, {"data": connections})
    assert not look_ups(medblocks)


def test_hydrated_connections_are_facilities_that_can_be_shown(browser, medblocks, connected):
    connected(a="active")
    medblocks.get(f"{HOST}/connections/fhirsrc_a", json=facility("a"))

    assert browser.get(f"{CONNECTIONS}?hydrate=true").json == {
        "data": [
            {
                "id": "conn_0",
                "connection_id": "fhirsrc_a",
                "status": "active",
                "name": "Alder Example Hospital a",
                "type": "meditech",
                "logo_url": "https://alder.example/a.png",
                "portal_url": "https://portal.alder.example/a",
                "fhir_base_url": "https://fhir.alder.example/a",
            }
        ]
    }


def test_a_failed_connection_is_not_hydrated(browser, medblocks, connected):
    connected(a="failed", b="disconnected", c="refresh_failed")
    for name in ("b", "c"):
        medblocks.get(f"{HOST}/connections/fhirsrc_{name}", json=facility(name))

    data = browser.get(f"{CONNECTIONS}?hydrate=true").json["data"]

    assert [(shown["connection_id"], shown["status"]) for shown in data] == [
        ("fhirsrc_b", "disconnected"),
        ("fhirsrc_c", "refresh_failed"),
    ]


def test_a_facility_is_looked_up_once(browser, medblocks, connected):
    connected(a="active", a_="expired")
    medblocks.get(f"{HOST}/connections/fhirsrc_a", json=facility("a"))

    first, second = (browser.get(f"{CONNECTIONS}?hydrate=true").json for _ in range(2))

    assert first == second
    assert len(first["data"]) == 2
    assert len(look_ups(medblocks)) == 1


def test_distinct_facilities_are_looked_up_side_by_side(browser, connected, side_by_side):
    connected(**{f"f{number}": "active" for number in range(10)})
    side_by_side(10)

    names = [shown["name"] for shown in browser.get(f"{CONNECTIONS}?hydrate=true").json["data"]]

    assert names == [f"Alder Example Hospital f{number}" for number in range(10)]


def test_without_further_slots_look_ups_share_the_requests_one(connected, side_by_side):
    browser = make_app(identify=lambda _: "user_42", BFF_RATE_LIMIT="off", BFF_REQUESTS="2").test_client()
    connected(**{f"f{number}": "active" for number in range(8)})
    side_by_side(1)

    assert None not in [shown["name"] for shown in browser.get(f"{CONNECTIONS}?hydrate=true").json["data"]]


def test_cached_facilities_are_shown_without_a_free_slot():
    def full(seconds):
        raise CallRejected("request")

    catalog = Catalog(None, 4.0, within=full)
    catalog._kept["fhirsrc_1"] = (math.inf, facility("1"))

    shown = Facilities(catalog).described(
        connection(connection_id=facility_id) for facility_id in ("fhirsrc_1", "fhirsrc_2")
    )

    assert [one["name"] for one in shown] == ["Alder Example Hospital 1", None]


class SlowCatalog(Catalog):
    """Looks up facilities called slow when it is told to, and all others at once."""

    def __init__(self):
        super().__init__(None, 4.0)
        self.asked, self.answers = threading.Semaphore(0), threading.Event()

    def facility(self, facility_id):
        if facility_id.startswith("fhirsrc_slow"):
            self.asked.release()
            assert self.answers.wait(10)
        return facility(facility_id.removeprefix("fhirsrc_"))


def test_one_requests_slow_look_ups_do_not_delay_others():
    catalog = SlowCatalog()
    facilities = Facilities(catalog)
    slow = [connection(connection_id=f"fhirsrc_slow{number}") for number in range(100)]
    with ThreadPoolExecutor(6) as pool:
        for _ in range(5):
            pool.submit(facilities.described, slow)
        try:
            for _ in range(32):  # as many as a pool for all requests had threads
                assert catalog.asked.acquire(timeout=10)
            (shown,) = pool.submit(facilities.described, [connection(connection_id="fhirsrc_1")]).result(10)
        finally:
            catalog.answers.set()

    assert shown["name"] == "Alder Example Hospital 1"


def test_look_ups_stay_within_the_clients_share():
    catalog, limit = SlowCatalog(), UpstreamLimit(512, 12, lambda: "a client")
    facilities = Facilities(catalog, limit.slot)
    slow = [connection(connection_id=f"fhirsrc_slow{number}") for number in range(10)]

    def request():
        with limit.within(60):
            facilities.described(slow)

    with ThreadPoolExecutor(2) as pool:
        requests = [pool.submit(request)]
        try:
            for _ in range(10):
                assert catalog.asked.acquire(timeout=10)
            requests.append(pool.submit(request))
            for _ in range(2):  # the share's last two slots: the request's own, and a further one
                assert catalog.asked.acquire(timeout=10)
            with pytest.raises(CallRejected):
                limit.acquire()
        finally:
            catalog.answers.set()
        assert [each.result(10) for each in requests] == [None, None]
    with limit.slot():
        assert limit.acquire() == "a client"


@pytest.mark.parametrize("trouble", [{"status": 404}, {"status": 500}, {"body": b"<html>"}])
def test_one_failed_look_up_does_not_fail_others(browser, medblocks, connected, trouble):
    connected(a="active", b="active")
    medblocks.get(f"{HOST}/connections/fhirsrc_a", **trouble)
    medblocks.get(f"{HOST}/connections/fhirsrc_b", json=facility("b"))

    first, second = browser.get(f"{CONNECTIONS}?hydrate=true").json["data"]

    assert (first["connection_id"], first["status"], first["name"]) == ("fhirsrc_a", "active", None)
    assert second["name"] == "Alder Example Hospital b"


def test_what_hydrate_can_be_is_told(browser, medblocks):
    reply = browser.get(f"{CONNECTIONS}?hydrate=perhaps")

    assert (reply.status_code, reply.json["error"]["param"]) == (400, "hydrate")
    assert not medblocks.calls


def test_a_connection_is_disconnected(browser, medblocks):
    medblocks.delete(f"{HOST}/patients/user_42/connections/conn_1", json=disconnected())

    reply = browser.delete(f"{CONNECTIONS}/conn_1")

    assert (reply.status_code, reply.json) == (200, disconnected())


def test_another_patients_connection_gets_404(browser, medblocks):
    medblocks.delete(f"{HOST}/patients/user_42/connections/conn_9", json=error_body("not_found"), status=404)

    reply = browser.delete(f"{CONNECTIONS}/conn_9")

    assert (reply.status_code, reply.json["error"]["message"]) == (404, "There is no such connection.")


@pytest.mark.parametrize(
    "connection_id", ["x", "conn_", "fhirsrc_1", "conn_%2e%2e", "conn_1%3Fx", "conn_%00"]
)
def test_a_malformed_connection_id_gets_404_unsent(browser, medblocks, connection_id):
    reply = browser.delete(f"{CONNECTIONS}/{connection_id}")

    assert (reply.status_code, reply.json["error"]["code"]) == (404, "not_found")
    assert not medblocks.calls


def test_another_site_can_not_disconnect(browser, medblocks):
    reply = browser.delete(f"{CONNECTIONS}/conn_1", headers={"Sec-Fetch-Site": "cross-site"})

    assert reply.status_code == 403
    assert not medblocks.calls
