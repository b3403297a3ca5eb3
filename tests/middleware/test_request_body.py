"""Bodies under any WSGI server: whole and within the limit, or refused; never cut."""

import io
import json
from urllib.parse import urlencode

import gevent.socket
import pytest
from flask import request
from gevent.pywsgi import WSGIServer
from werkzeug.test import create_environ, run_wsgi_app

from tests.factories import HOST, form_token, make_app, patient, shared_app

LIMIT = 64 * 1024
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
KEY = {"HTTP_IDEMPOTENCY_KEY": "0b6a9a4e-7f3c-4f6e-9d51-0f8a1c2b3d4e"}
CHUNKED = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
ENDS = {"wsgi.input_terminated": True}


class Wire:
    """A server's stream, which gives some bytes at a time, and counts what it gave."""

    def __init__(self, body, at_once=10_000):
        self._body, self._at_once, self.given = io.BytesIO(body), at_once, 0

    def read(self, size):
        data = self._body.read(min(size, self._at_once))
        self.given += len(data)
        return data


class Endless:
    """A stream that never ends, and counts what it gave."""

    given = 0

    def read(self, size):
        self.given += size
        return b" " * size


class Broken:
    """A stream whose client went away, or whose chunks make no sense."""

    def __init__(self, error):
        self._error = error

    def read(self, _):
        raise self._error


def padded(size, **fields):
    body = json.dumps({"patientId": "user_42", **fields}).encode()
    return body + b" " * (size - len(body))


@pytest.fixture
def app():
    return shared_app(BFF_ACCESS="enforce")


@pytest.fixture
def send(app):
    return sender(app)


def sender(app):
    """Send a body as a WSGI server does; give the status, the headers, and the text of the answer."""

    def call(stream, path="/api/patients", content_type=JSON, **environ):
        made = create_environ(path, method="POST", content_type=content_type)
        made.pop("CONTENT_LENGTH", None)
        made |= {"wsgi.input": io.BytesIO(stream) if isinstance(stream, bytes) else stream, **environ}
        parts, status, headers = run_wsgi_app(app.wsgi_app, made, buffered=True)
        return int(status[:3]), headers, b"".join(parts).decode()

    return call


@pytest.fixture
def form(app):
    """Build a form that is good but for its size, and the cookie that goes with it."""

    def build(size):
        browser = app.test_client()
        fields = {"form_token": form_token(browser), "suggested_id": "user_42", "action": "create", "x": ""}
        body = urlencode(fields).encode()
        return body + b"a" * (size - len(body)), {"HTTP_COOKIE": f"bff={browser.get_cookie('bff').value}"}

    return build


@pytest.mark.parametrize("path", ["/api/patients", "/api/patient-sessions"])
@pytest.mark.parametrize("size", [LIMIT + 1, 70_000])
@pytest.mark.parametrize("headers", [{}, KEY], ids=["", "with a key"])
def test_chunked_json_over_the_limit_is_refused(send, medblocks, path, size, headers):
    status, _, text = send(padded(size), path, **CHUNKED, **headers)

    assert (status, json.loads(text)["error"]["code"]) == (413, "payload_too_large")
    assert not medblocks.calls


def test_a_chunked_form_over_the_limit_is_refused(send, form, medblocks):
    body, cookie = form(70_000)

    status, headers, text = send(body, "/intake", FORM, **CHUNKED, **cookie)

    assert (status, headers["Content-Type"]) == (413, "text/html; charset=utf-8")
    assert "What you entered is too long" in text
    assert not medblocks.calls


@pytest.mark.parametrize("at_once", [1000, LIMIT, 10 * LIMIT])
@pytest.mark.parametrize(
    "environ", [CHUNKED, {**ENDS, "CONTENT_LENGTH": str(LIMIT)}, {"CONTENT_LENGTH": str(LIMIT)}]
)
def test_json_of_the_limit_is_accepted(send, medblocks, environ, at_once):
    medblocks.post(f"{HOST}/patients", json=patient())

    assert send(Wire(padded(LIMIT), at_once), **environ)[0] == 200


def test_a_form_of_the_limit_is_accepted(send, form, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())
    body, cookie = form(LIMIT)

    assert send(Wire(body), "/intake", FORM, **CHUNKED, **cookie)[0] == 200


@pytest.mark.parametrize(("path", "content_type"), [("/api/patients", JSON), ("/intake", FORM)])
def test_an_endless_body_is_read_up_to_the_limit(send, path, content_type):
    endless = Endless()

    assert send(endless, path, content_type, **CHUNKED)[0] == 413
    assert endless.given == LIMIT + 1


BODY = padded(100)
LIES = {
    "too long": ("101", 400),
    "too short": ("99", 400),
    "none": ("0", 400),
    "negative": ("-1", 400),
    "negative zero": ("-0", 400),
    "signed": ("+100", 400),
    "a word": ("abc", 400),
    "a fraction": ("100.0", 400),
    "underscored": ("1_00", 400),
    "two": ("100, 100", 400),
    "other digits": ("\u00b2", 400),
    "over the limit": (str(LIMIT + 1), 413),
    "over all limits": ("9" * 19, 413),
    "over what Python converts": ("9" * 5000, 400),
}


@pytest.mark.parametrize(("length", "status"), LIES.values(), ids=LIES)
@pytest.mark.parametrize("headers", [{}, KEY], ids=["", "with a key"])
def test_a_wrong_length_is_refused(send, medblocks, length, status, headers):
    got, _, text = send(BODY, CONTENT_LENGTH=length, **ENDS, **headers)

    assert got == status
    assert set(json.loads(text)["error"]) == {"message", "type", "code", "param", "request_id"}
    assert not medblocks.calls


@pytest.mark.parametrize("length", ["101", "-1", "abc", "+100", "1_00", "9" * 5000])
@pytest.mark.parametrize(("path", "content_type"), [("/api/patients", JSON), ("/intake", FORM)])
def test_a_wrong_length_of_an_endless_stream_is_refused(send, medblocks, length, path, content_type):
    assert send(BODY, path, content_type, CONTENT_LENGTH=length)[0] == 400
    assert not medblocks.calls


def test_an_endless_stream_is_read_by_its_length(send, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())
    wire = Wire(BODY + b"GET / HTTP/1.1")

    assert send(wire, CONTENT_LENGTH="100")[0] == 200
    assert wire.given == 100


@pytest.mark.parametrize("environ", [{}, {"CONTENT_LENGTH": ""}], ids=["missing", "empty"])
def test_an_endless_stream_without_length_is_not_read(send, environ):
    endless = Endless()

    assert send(endless, **environ)[0] == 400
    assert endless.given == 0


def test_undecoded_chunks_get_411(send, medblocks):
    status, _, text = send(BODY, HTTP_TRANSFER_ENCODING="chunked")

    assert (status, json.loads(text)["error"]["code"]) == (411, "length_required")
    assert not medblocks.calls


@pytest.mark.parametrize("length", ["5", "0"])
def test_chunks_override_a_length(send, medblocks, length):
    medblocks.post(f"{HOST}/patients", json=patient())

    assert send(BODY, CONTENT_LENGTH=length, **CHUNKED)[0] == 200


def test_an_empty_body_is_not_read(send):
    endless = Endless()

    assert send(endless, CONTENT_LENGTH="0", **ENDS)[0] == 400
    assert endless.given == 0


@pytest.mark.parametrize(
    "error", [ConnectionResetError("reset"), ValueError("closed"), Exception("bad chunk")]
)
@pytest.mark.parametrize(("path", "content_type"), [("/api/patients", JSON), ("/intake", FORM)])
def test_a_stream_that_breaks_is_a_bad_request(send, medblocks, error, path, content_type):
    assert send(Broken(error), path, content_type, **CHUNKED)[0] == 400
    assert not medblocks.calls


@pytest.mark.parametrize(
    ("path", "environ", "status"),
    [
        ("/nothing", {}, 404),
        ("/api/nothing", {}, 404),
        ("/intake", {"HTTP_SEC_FETCH_SITE": "cross-site"}, 403),
        ("/healthz", {}, 405),
    ],
)
def test_what_is_refused_anyway_is_not_read(send, path, environ, status):
    endless = Endless()

    assert send(endless, path, FORM, **CHUNKED, **environ)[0] == status
    assert endless.given == 0


def test_a_refused_body_stays_refused():
    app, refused = make_app(), []

    @app.errorhandler(413)
    def read_again(error):
        for name in ("data", "stream", "input_stream"):
            with pytest.raises(type(error)):
                getattr(request, name)
            refused.append(name)
        return "", 413

    assert sender(app)(padded(200_000), **CHUNKED)[0] == 413
    assert refused == ["data", "stream", "input_stream"]


@pytest.mark.parametrize(("limit", "status"), [(10, 413), (None, 200), (10**6, 200)])
def test_a_view_can_lower_the_limit_of_its_body(limit, status):
    app = make_app()

    @app.post("/yours")
    def count():
        request.max_content_length = limit
        return str(len(request.input_stream.read()))

    assert app.test_client().post("/yours", data=bytes(100)).status_code == status
    assert app.test_client().post("/yours", data=bytes(100_000)).status_code == 413


@pytest.fixture
def over_http(app):
    """Send a request to the app under gevent's own server; give the first line of the answer."""
    server = WSGIServer(("127.0.0.1", 0), app, log=None)
    server.start()

    def send(framing, body):
        head = f"POST /api/patients HTTP/1.1\r\nHost: localhost\r\nContent-Type: {JSON}\r\n{framing}\r\n\r\n"
        with gevent.socket.create_connection(("127.0.0.1", server.server_port)) as sock:
            sock.sendall(head.encode() + body)
            sock.shutdown(gevent.socket.SHUT_WR)
            return sock.makefile("rb").readline().split()[1]

    yield send
    server.stop()


@pytest.mark.parametrize(("size", "status"), [(70_000, b"413"), (LIMIT + 1, b"413"), (LIMIT, b"200")])
def test_chunks_over_http_under_another_server(over_http, medblocks, size, status):
    if status == b"200":
        medblocks.post(f"{HOST}/patients", json=patient())
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (size, padded(size))

    assert over_http("Transfer-Encoding: chunked", chunks) == status
    assert len(medblocks.calls) == (status == b"200")


def test_a_truncated_body_is_refused(over_http, medblocks):
    assert over_http("Content-Length: 200", padded(100)) == b"400"
    assert not medblocks.calls
