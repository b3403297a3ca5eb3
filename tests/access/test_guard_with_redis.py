"""Two processes that share a Redis share limits, used invites and idempotency keys."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.factories import HOST, make_app, patient


@pytest.fixture
def copies(redis, redis_port):
    """Build two apps that share Redis."""

    def build(**variables):
        url = f"redis://127.0.0.1:{redis_port}"
        return [make_app(BFF_ACCESS="enforce", BFF_REDIS_URL=url, **variables) for _ in range(2)]

    return build


def ask(app, path="/api/patients/user_42", peer="192.0.2.1"):
    return app.test_client().get(path, environ_overrides={"REMOTE_ADDR": peer}).status_code


@pytest.fixture
def accept():
    """Open an invite at an app, and accept it."""

    def post(app, token):
        client = app.test_client()
        page = client.get(f"/invite/{token}").text
        field = re.search(r'name="form_token" value="([^"]+)"', page).group(1)
        return client.post(f"/invite/{token}", data={"form_token": field}).status_code

    return post


def make_invite(app):
    return app.extensions["medblocks-bff"].invites.make("user_42", 1)


def test_two_processes_share_a_limit(copies):
    first, second = copies(BFF_RATE_LIMIT_ADDRESS="2/day")

    assert [ask(first), ask(second), ask(first), ask(second)] == [404, 404, 429, 429]
    assert ask(second, peer="192.0.2.2") == 404


def test_all_limits_are_one_round_trip_and_a_release_another(copies, redis, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())
    client = copies()[0].test_client()
    client.post("/api/patients", json={"patient_id": "user_42"})  # from now on, Redis knows the scripts
    redis.config_resetstat()

    client.get("/api/patients/user_7")
    assert redis.info("commandstats")["cmdstat_evalsha"]["calls"] == 1
    client.post("/api/patients", json={"patient_id": "user_42"})

    assert redis.info("commandstats")["cmdstat_evalsha"]["calls"] == 3
    scopes = {key.partition(b":")[2].partition(b"/")[0] for key in redis.scan_iter()}
    assert scopes == {b"address", b"owner", b"creates"}


def test_two_processes_share_used_invites(copies, accept):
    first, second = copies(BFF_IDENTITY="invite")
    token = make_invite(first)

    assert [accept(first, token), accept(second, token), accept(first, token)] == [303, 404, 404]


def test_two_processes_share_idempotency_keys(copies, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())

    def create(app, email):
        body = {"patient_id": "user_42", "email": email}
        headers = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
        return app.test_client().post("/api/patients", json=body, headers=headers).status_code

    first, second = copies()

    assert [create(first, "asha@example.com"), create(second, "bo@example.com")] == [200, 422]


def test_an_unresponsive_redis_does_not_delay_requests():
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as pool:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        app = make_app(BFF_ACCESS="enforce", BFF_REDIS_URL=url)

        assert pool.submit(ask, app).result(timeout=20) == 404


def test_without_redis_each_process_counts_for_itself():
    first, second = (make_app(BFF_ACCESS="enforce", BFF_RATE_LIMIT_ADDRESS="1/day") for _ in range(2))

    assert [ask(first), ask(first), ask(second)] == [404, 429, 404]


def test_redis_has_no_addresses_names_or_invites(copies, redis, accept, medblocks):
    first, _ = copies(BFF_IDENTITY="invite")
    token = make_invite(first)
    accept(first, token)
    ask(first)
    medblocks.post(f"{HOST}/patients", json=patient())
    peer = {"REMOTE_ADDR": "192.0.2.1"}
    client = copies()[0].test_client()
    client.post("/api/patients", json={"patient_id": "user_42"}, environ_overrides=peer)
    client.get("/api/patients/user_7", environ_overrides=peer)

    keys = [key.decode() for key in redis.scan_iter()]
    assert len(keys) >= 4
    stored = " ".join([*keys, *(redis.get(key).decode() for key in keys)])
    for canary in ("192.0.2.1", "127.0.0.1", "user_42", "Asha", token, client.get_cookie("bff").value):
        assert canary not in stored


def test_everything_in_redis_expires(copies, redis, accept, medblocks):
    first, _ = copies(BFF_IDENTITY="invite")
    accept(first, make_invite(first))
    medblocks.post(f"{HOST}/patients", json=patient())
    key = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    copies()[0].test_client().post("/api/patients", json={"patient_id": "user_42"}, headers=key)

    assert len(redis.keys()) > 5
    assert [key for key in redis.scan_iter() if redis.ttl(key) == -1] == []
