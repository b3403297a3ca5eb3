"""Requests as some clients send them: each gets the right answer, or a message that names the cause."""

import gzip
import json

import pytest
from werkzeug.test import Client, create_environ

from bff.access.cookies import cookie_values
from bff.server.http_parser import RequestParser
from tests.factories import HOST, make_app, patient, shared_app

BODY = b'{"patientId": "user_42"}'
NO_GZIP = "Send the body without compression, and without the header Content-Encoding."
JSON = {"Content-Type": "application/json"}


def test_json_after_a_byte_order_mark_is_read(client, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())

    reply = client.post("/api/patients", data=b"\xef\xbb\xbf" + BODY, headers=JSON)

    assert reply.status_code == 200


@pytest.mark.parametrize(
    "body", [b"\xef\xbb\xbf" * 2 + BODY, b"\xef\xbb\xbf", BODY.decode().encode("utf-16")]
)
def test_no_other_mark_is_read(client, medblocks, body):
    reply = client.post("/api/patients", data=body, headers=JSON)

    assert reply.status_code == 400
    assert "not valid JSON" in reply.json["error"]["message"]


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "deflate", "gzip, identity", "x"])
@pytest.mark.parametrize("path", ["/api/patients", "/api/patient-sessions"])
def test_a_compressed_body_is_a_415_that_names_it(client, medblocks, path, coding):
    reply = client.post(path, data=gzip.compress(BODY), headers={**JSON, "Content-Encoding": coding})

    assert (reply.status_code, reply.json["error"]["code"]) == (415, "unsupported_media_type")
    assert reply.json["error"]["message"] == NO_GZIP
    assert reply.headers["Accept-Encoding"] == "identity"


def test_a_compressed_form_is_a_415_that_names_it(client, medblocks):
    reply = client.post("/intake", data=gzip.compress(b"a=b"), headers={"Content-Encoding": "gzip"})

    assert reply.status_code == 415
    assert NO_GZIP in reply.text


@pytest.mark.parametrize("coding", ["identity", "", " Identity "])
def test_a_body_without_compression_may_say_so(client, medblocks, coding):
    medblocks.post(f"{HOST}/patients", json=patient())

    assert (
        client.post("/api/patients", data=BODY, headers={**JSON, "Content-Encoding": coding}).status_code
        == 200
    )


@pytest.mark.parametrize("path", ["/intake", "/healthz", "/api/connections", "/api/openapi.json", "/forget"])
def test_a_slash_at_the_end_changes_nothing(client, path):
    plain, slash = client.get(path), client.get(f"{path}/")

    assert (slash.status_code, slash.mimetype) == (plain.status_code, plain.mimetype) == (200, plain.mimetype)


def test_a_create_may_have_a_slash_at_its_end(client, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())

    assert client.post("/api/patients/", json={"patientId": "user_42"}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/intake//",
        "/api/patients/user_42/",
        "/api/patients/user_42%2f/",
        "//evil.example/",
        "/api//patients/",
        "/nowhere/",
    ],
)
def test_other_slashes_lead_nowhere(client, path):
    reply = client.get("/", environ_overrides={"PATH_INFO": path})

    assert reply.status_code == 404
    assert "Location" not in reply.headers


@pytest.mark.parametrize("raw", ["患者-é", "%E6%82%A3%E8%80%85-%C3%A9"])
def test_an_id_in_raw_utf8_is_the_encoded_one(medblocks, raw):
    app = make_app(identify=lambda _: "患者-é", BFF_RATE_LIMIT="off")
    medblocks.get(f"{HOST}/patients/%E6%82%A3%E8%80%85-%C3%A9", json=patient(id="患者-é", connections=[]))
    parser = RequestParser({})
    parser.buffer += f"GET /api/patients/{raw}?é HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()

    reply = Client(app).open(create_environ() | parser.next())

    assert (reply.status_code, json.loads(reply.text)["id"]) == (200, "患者-é")


@pytest.mark.parametrize("order", ["{0}; {1}", "{1}; {0}"])
@pytest.mark.parametrize("other", ["bff=x", "bff=", 'bff="a.b.c"', "bff=é", "bff=x; bff=y"])
def test_a_second_cookie_with_our_name_hides_no_patient(medblocks, order, other):
    app = shared_app(BFF_ACCESS="enforce")
    browser = app.test_client()
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.get(f"{HOST}/patients/user_42", json=patient(connections=[]))
    browser.post("/api/patients", json={"patientId": "user_42"})
    ours = f"bff={browser.get_cookie('bff').value}"

    header = order.format(ours, other).encode().decode("latin-1")
    reply = app.test_client(use_cookies=False).get("/api/patients/user_42", headers={"Cookie": header})

    assert reply.status_code == 200


@pytest.mark.parametrize("order", ["{0}; {1}", "{1}; {0}"])
def test_a_second_patient_cookie_hides_no_patient(medblocks, order):
    app = shared_app(BFF_ACCESS="enforce")
    browser = app.test_client()
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.get(f"{HOST}/patients/user_42", json=patient(connections=[]))
    browser.post("/api/patients", json={"patientId": "user_42"})
    ours = [f"{name}={browser.get_cookie(name).value}" for name in ("bff-patient", "bff")]

    header = f"{order.format(ours[0], 'bff-patient=x')}; {ours[1]}"
    page = app.test_client(use_cookies=False).get("/account", headers={"Cookie": header})

    assert page.status_code == 200


def test_of_many_cookies_with_our_name_four_are_checked():
    assert len(cookie_values("; ".join(["bff=x"] * 1000), "bff")) == 4
