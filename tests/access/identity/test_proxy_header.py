"""A reverse proxy's header: accepted from its networks and with its secret only."""

from dataclasses import replace
from urllib.parse import quote

import pytest

from bff.access.identity.proxy_header import HeaderIdentity
from bff.config import load_settings
from bff.config.parsers import Secret
from tests.factories import HOST, make_app, patient, shared_app

PATIENT = f"{HOST}/patients/user_42"
SECRET = "canary-secret-of-the-proxy-0123456789"
PROXY = "10.1.2.3"
OUTSIDE = "203.0.113.9"


@pytest.fixture
def ask():
    """Request a patient as the proxy does, with these changes; `None` removes a header."""

    def send(peer=PROXY, path="/api/patients/user_42", settings=None, headers=None, build=shared_app):
        app = build(
            BFF_IDENTITY="header",
            BFF_ACCESS="enforce",
            BFF_HEADER_NETWORKS="10.0.0.0/8 192.0.2.7 fd00::/8",
            **{"BFF_HEADER_SECRET": SECRET, **(settings or {})},
        )
        usual = {"X-Patient-Id": "user_42", "X-Bff-Proxy-Secret": SECRET}
        sent = {name: value for name, value in {**usual, **(headers or {})}.items() if value is not None}
        return app.test_client().get(path, headers=sent, environ_base={"REMOTE_ADDR": peer})

    return send


@pytest.fixture
def found(medblocks):
    medblocks.get(PATIENT, json=patient(connections=[]))


@pytest.mark.parametrize(
    "peer",
    [
        PROXY,
        "10.0.0.0",
        "10.255.255.255",
        "192.0.2.7",
        "fd00::1",
        "fdff:ffff::1",
        "fd00::1%eth0",
        "::ffff:10.1.2.3",
    ],
)
def test_the_proxys_header_is_accepted(ask, found, peer):
    assert ask(peer).status_code == 200


@pytest.mark.parametrize(
    "peer",
    [
        OUTSIDE,
        "9.255.255.255",
        "11.0.0.0",
        "192.0.2.6",
        "192.0.2.8",
        "127.0.0.1",
        "fc00::1",
        "fe00::1",
        "::1",
        "::10.1.2.3",
        "::ffff:11.0.0.0",
        "11.0.0.0:10",
        "64:ff9b::a01:203",
    ],
)
def test_other_peers_are_refused_even_with_the_secret(ask, medblocks, peer):
    reply = ask(peer)

    assert (reply.status_code, reply.json["error"]["code"]) == (401, "not_authenticated")
    assert not medblocks.calls


@pytest.mark.parametrize("peer", ["", "localhost", "10.1.2"])
def test_a_peer_with_an_invalid_address_is_refused(ask, medblocks, peer):
    assert ask(peer).status_code == 401
    assert not medblocks.calls


@pytest.mark.parametrize(
    "secret", [None, "", SECRET[:-1], f"{SECRET}x", SECRET.upper(), f"{SECRET},{SECRET}", "é" * 32]
)
def test_the_proxy_is_refused_without_the_secret(ask, medblocks, caplog, secret):
    reply = ask(headers={"X-Bff-Proxy-Secret": secret})

    assert (reply.status_code, reply.json["error"]["code"]) == (401, "not_authenticated")
    assert not medblocks.calls
    assert "a credential was refused: the header came without the proxy's secret" in caplog.text
    assert not secret or secret not in caplog.text + reply.text


def test_the_secret_is_not_exposed(ask, caplog):
    caplog.set_level("DEBUG")

    reply = ask(OUTSIDE)

    output = f"{reply.headers}{reply.text}" + "".join(str(vars(record)) for record in caplog.records)
    assert "a credential was refused: the header came from outside the proxy's networks" in caplog.text
    assert SECRET not in output
    assert "user_42" not in output


def test_without_the_header_there_is_no_login(ask, medblocks):
    reply = ask(headers={"X-Patient-Id": None})

    assert (reply.status_code, reply.json["error"]["code"]) == (401, "not_authenticated")
    assert not medblocks.calls


@pytest.mark.parametrize("patient_id", ["..", "pat_1", "a" * 201, "user_42/", "user_42\x7f"])
def test_a_header_without_a_valid_patient_id_is_refused(ask, medblocks, patient_id):
    reply = ask(headers={"X-Patient-Id": patient_id})

    assert (reply.status_code, reply.json["error"]["code"]) == (403, "login_unusable")
    assert not medblocks.calls


@pytest.mark.parametrize("patient_id", ["", "  "])
def test_an_empty_header_is_no_login(ask, medblocks, patient_id):
    reply = ask(headers={"X-Patient-Id": patient_id})

    assert (reply.status_code, reply.json["error"]["code"]) == (401, "not_authenticated")
    assert not medblocks.calls


def as_wsgi(text):
    """Return a header's text as WSGI hands over its UTF-8."""
    return text.encode().decode("latin-1")


@pytest.mark.parametrize("patient_id", ["josé", "患者42", "Ŝ-1"])
def test_the_header_is_read_as_utf_8(ask, medblocks, patient_id):
    medblocks.get(f"{HOST}/patients/{quote(patient_id)}", json=patient(id=patient_id, connections=[]))

    reply = ask(path=f"/api/patients/{quote(patient_id)}", headers={"X-Patient-Id": as_wsgi(patient_id)})

    assert reply.status_code == 200


def test_a_secret_is_read_as_utf_8(ask, found):
    secret = "é" * 32

    reply = ask(settings={"BFF_HEADER_SECRET": secret}, headers={"X-Bff-Proxy-Secret": as_wsgi(secret)})

    assert reply.status_code == 200


def test_a_header_that_is_not_utf_8_is_refused(ask, medblocks, caplog):
    reply = ask(headers={"X-Patient-Id": "jos\xe9"}, build=make_app)

    assert (reply.status_code, reply.json["error"]["code"]) == (403, "login_unusable")
    assert "a login can't be used: the header is not UTF-8" in caplog.text
    assert not medblocks.calls


@pytest.mark.parametrize("sent", ["user_42,user_43", "user_42, user_42", "user_42,", ",user_42"])
def test_a_header_that_came_twice_is_refused(ask, medblocks, sent):
    reply = ask(headers={"X-Patient-Id": sent})

    assert (reply.status_code, reply.json["error"]["code"]) == (403, "login_unusable")
    assert not medblocks.calls


def test_the_log_says_that_the_header_came_twice(medblocks, caplog, ask):
    ask(headers={"X-Patient-Id": "user_42,CANARY"}, build=make_app)

    assert "a login can't be used: the header came twice, or has a comma" in caplog.text
    assert "CANARY" not in caplog.text


@pytest.mark.parametrize("path", ["user_43", "USER_42", "user_4", "user_421", "user_42,user_43"])
def test_only_the_patient_in_the_header_is_found(ask, medblocks, path):
    reply = ask(path=f"/api/patients/{path}")

    assert (reply.status_code, reply.json["error"]["code"]) == (404, "not_found")
    assert not medblocks.calls


def test_the_headers_name_can_be_set(ask, found):
    settings = {"BFF_HEADER_NAME": "X-Member"}

    assert ask(settings=settings, headers={"X-Patient-Id": None, "X-Member": "user_42"}).status_code == 200
    assert ask(settings=settings).status_code == 401


@pytest.mark.parametrize("forwarded", [PROXY, f"{OUTSIDE}, {PROXY}", f"{PROXY}, {OUTSIDE}"])
@pytest.mark.parametrize("hops", ["0", "1"])
def test_x_forwarded_for_can_not_impersonate_the_proxy(ask, medblocks, hops, forwarded):
    reply = ask(OUTSIDE, settings={"BFF_PROXY_HOPS": hops}, headers={"X-Forwarded-For": forwarded})

    assert reply.status_code == 401
    assert not medblocks.calls


@pytest.mark.parametrize("hops", ["0", "1"])
def test_the_proxy_is_accepted_with_x_forwarded_for(ask, found, hops):
    settings = {"BFF_PROXY_HOPS": hops}

    assert ask(settings=settings, headers={"X-Forwarded-For": OUTSIDE}).status_code == 200


INCOMPLETE = [{"header_secret": None}, {"header_secret": Secret("")}, {"header_networks": ()}]


@pytest.mark.parametrize("changes", INCOMPLETE)
def test_the_provider_needs_a_secret_and_networks(changes):
    complete = {"BFF_IDENTITY": "header", "BFF_HEADER_SECRET": SECRET, "BFF_HEADER_NETWORKS": "10.0.0.0/8"}
    settings = load_settings({"MEDBLOCKS_API_KEY": "mb_sk_sbx_x", **complete})

    with pytest.raises(ValueError, match="BFF_HEADER_SECRET and BFF_HEADER_NETWORKS"):
        HeaderIdentity(replace(settings, **changes))
