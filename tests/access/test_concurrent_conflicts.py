"""However many creates are in progress at once, they learn of few taken ids."""

import json
import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.factories import HOST, error_body, make_app, patient

CREATES = 60
ROOMY = {"BFF_RATE_LIMIT_CREATES": "1000/minute", "BFF_RATE_LIMIT_SESSIONS": "1000/minute"}
BODY = {"patient_id": "user_42"}


class Held:
    """Holds Medblocks' responses until every create waits for one, or has been answered without."""

    def __init__(self, medblocks):
        self._arrived = threading.Semaphore(0)
        self._open = threading.Event()
        self.taken = True
        medblocks.assert_all_requests_are_fired = False
        medblocks.add_callback("POST", re.compile(rf"{HOST}/patient"), self._create)
        medblocks.add_callback("GET", re.compile(rf"{HOST}/patients/"), self._read)

    def arrive(self):
        self._arrived.release()

    def release_all(self):
        for _ in range(CREATES):
            assert self._arrived.acquire(timeout=60)
        self._open.set()

    def _create(self, request):
        if "/patients" not in request.url:
            raise AssertionError("nothing may start a session")
        self.arrive()
        assert self._open.wait(60)
        if self.taken:
            return 409, {}, json.dumps(error_body("external_id_already_exists", "patient_id"))
        return 200, {}, json.dumps(patient())

    def _read(self, _):
        return 200, {}, json.dumps(patient(metadata={"bff_owner": "x" * 22}, connections=[]))


@pytest.fixture
def held(medblocks):
    return Held(medblocks)


@pytest.fixture(params=["memory", "redis"])
def client(request):
    """Build a browser of an app whose limits are in memory, and one whose limits are in Redis."""
    shared = {}
    if request.param == "redis":
        request.getfixturevalue("redis_store")  # for its timeout
        shared = {"BFF_REDIS_URL": f"redis://127.0.0.1:{request.getfixturevalue('redis_port')}"}
    return make_app(BFF_ACCESS="enforce", **ROOMY, **shared).test_client


def at_once(client, held, path="/api/patients"):
    """Send creates that are all in progress at once; return how often each status came."""

    def create(_):
        status = client().post(path, json=BODY).status_code
        if status == 429:
            held.arrive()
        return status

    with ThreadPoolExecutor(CREATES) as pool:
        statuses = pool.map(create, range(CREATES))
        held.release_all()
        return Counter(statuses)


@pytest.mark.parametrize("path", ["/api/patients", "/api/patient-sessions"])
def test_concurrent_creates_learn_of_ten_taken_ids(client, held, path):
    assert at_once(client, held, path) == {409: 10, 429: CREATES - 10}
    assert client().post(path, json=BODY).status_code == 429


def test_concurrent_creates_that_succeed_do_not_count(client, held):
    held.taken = False
    assert at_once(client, held) == {200: 10, 429: CREATES - 10}

    held.taken = True
    assert [client().post("/api/patients", json=BODY).status_code for _ in range(11)] == [409] * 10 + [429]
