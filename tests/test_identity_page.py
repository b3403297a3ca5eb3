"""Runs each example of `docs/identity.md`: what a login has to send, and that nothing else is accepted."""

import os
import re
import shutil
import socket
import subprocess
import threading
from http.client import HTTPConnection

import pytest
import responses
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

from tests.examples import example, examples, run_shell, variables_of
from tests.factories import HOST, KEY, make_app, patient

PAGE = "docs/identity.md"
LOGIN = RSAKey.generate_key(2048, {"kid": "login"})
BEARER, COOKIE, PROXY, INVITE = (variables_of(each.text) for each in examples(PAGE, "ini"))
PATIENT = "/api/patients/user_42"


def token(**changes):
    """Build the token that the login of the examples issues for user_42."""
    claims = {"iss": BEARER["BFF_JWT_ISSUER"], "aud": "medblocks-bff", "sub": "user_42", "exp": 2**33}
    return jwt.encode({"alg": "RS256", "kid": "login"}, {**claims, **changes}, LOGIN)


@pytest.fixture
def login(login_wire):
    with responses.RequestsMock() as mock:
        mock.get(BEARER["BFF_JWT_JWKS_URL"], json={"keys": [LOGIN.as_dict(private=False)]})
        yield mock


@pytest.fixture
def stored(medblocks):
    medblocks.get(f"{HOST}/patients/user_42", json=patient(connections=[]))


def browser_for(settings):
    return make_app(BFF_ACCESS="enforce", **settings).test_client()


def test_each_example_chooses_another_provider():
    assert [each["BFF_IDENTITY"] for each in (BEARER, COOKIE, PROXY, INVITE)] == [
        "jwt",
        "jwt",
        "header",
        "invite",
    ]
    assert COOKIE.items() > BEARER.items()


def test_a_bearer_token_opens_the_patient(login, stored):
    reply = browser_for(BEARER).get(PATIENT, headers={"Authorization": f"Bearer {token()}"})

    assert reply.json["id"] == "user_42"


@pytest.mark.parametrize(
    ("claims", "status"), [({"sub": "user_43"}, 404), ({"exp": 1}, 401), ({"aud": "other"}, 403)]
)
@pytest.mark.parametrize("settings", [BEARER, COOKIE], ids=["bearer", "cookie"])
def test_another_token_opens_nothing(login, medblocks, settings, claims, status):
    browser = browser_for(settings)
    browser.set_cookie("login", token(**claims))

    assert browser.get(PATIENT, headers={"Authorization": f"Bearer {token(**claims)}"}).status_code == status
    assert not medblocks.calls


def test_a_token_in_a_cookie_opens_the_patient(login, stored):
    browser = browser_for(COOKIE)
    browser.set_cookie("login", token())

    assert browser.get(PATIENT).json["id"] == "user_42"


def test_visitors_are_sent_to_the_login():
    reply = browser_for(COOKIE).get("/intake")

    assert reply.location == f"{COOKIE['BFF_LOGIN_URL']}?return_url=http%3A%2F%2Flocalhost%2Fintake"


@pytest.fixture
def server():
    """Start the app with the example's settings, on a port; the proxy calls it from this machine."""
    app = make_app(BFF_ACCESS="enforce", BFF_HOST_CHECK="off", **PROXY)
    http = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield http.server_port
    http.shutdown()
    thread.join()
    http.server_close()


def free_ports(count):
    """Return ports that are free now, for a server that can't choose its own."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture
def nginx(server, tmp_path):
    """Start nginx with the example, and with a login that knows one session."""
    if shutil.which("nginx") is None and os.environ.get("CI") != "true":
        pytest.skip("nginx is not installed")
    port, login_port = free_ports(2)
    location = example(PAGE, "location / {").replace("127.0.0.1:8000", f"127.0.0.1:{server}")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {tmp_path};" for kind in kinds)
    (tmp_path / "nginx.conf").write_text(f"""
        daemon off; pid {tmp_path}/nginx.pid; worker_processes 1; error_log stderr notice;
        events {{}}
        http {{
          access_log off; {paths}
          server {{ listen 127.0.0.1:{port}; {location}
            location = /login/check {{ internal; proxy_pass http://127.0.0.1:{login_port}; }} }}
          server {{ listen 127.0.0.1:{login_port};
            location / {{ if ($cookie_session != "asha") {{ return 401; }}
              add_header X-Patient-Id user_42; return 204; }} }}
        }}""")
    command = ["nginx", "-p", tmp_path, "-c", tmp_path / "nginx.conf", "-e", "stderr"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if "start worker process " in line:
                break
        yield port
        process.terminate()
        process.stderr.read()


def ask(port, **headers):
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(
        "GET", PATIENT, headers={name.replace("_", "-"): text for name, text in headers.items()}
    )
    status = connection.getresponse().status
    connection.close()
    return status


def test_nginx_names_the_patient(nginx, stored):
    assert ask(nginx, Cookie="session=asha") == 200


def test_nginx_replaces_a_clients_header(nginx, stored):
    assert ask(nginx, Cookie="session=asha", X_Patient_Id="user_43") == 200
    assert ask(nginx, X_Patient_Id="user_42") == 401


def test_the_header_counts_only_from_the_proxy(server, medblocks):
    assert ask(server, X_Patient_Id="user_42") == 401
    assert not medblocks.calls


def link_from_the_shell(tmp_path):
    changes = {
        "MEDBLOCKS_API_KEY": KEY,
        "BFF_SECRET": INVITE["BFF_SECRET"],
        "BFF_PUBLIC_URL": "http://localhost",
    }
    return run_shell(example(PAGE, "medblocks-bff invite"), tmp_path, **changes).splitlines()[0]


def link_from_python(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDBLOCKS_API_KEY", KEY)
    monkeypatch.setenv("BFF_SECRET", INVITE["BFF_SECRET"])
    monkeypatch.setenv("BFF_PUBLIC_URL", "http://localhost")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(example(PAGE, "link = bff.invite_url"), names)  # noqa: S102 - the example is our own
    return names["link"]


@pytest.mark.parametrize("identity", ["invite", "owner"])
@pytest.mark.parametrize("source", ["shell", "python"])
def test_the_invitation_of_each_example_works(tmp_path, monkeypatch, stored, source, identity):
    link = link_from_the_shell(tmp_path) if source == "shell" else link_from_python(tmp_path, monkeypatch)
    browser = browser_for({"BFF_IDENTITY": identity, "BFF_SECRET": INVITE["BFF_SECRET"]})
    form = browser.get(link)
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.text))

    browser.post(re.search(r'<form[^>]* action="([^"]*)"', form.text)[1] or link, data=fields)

    assert browser.get(PATIENT).json["id"] == "user_42"


def test_the_example_of_invitations_is_complete():
    make_app(**INVITE)


class Users(dict):
    """A team's lookup, which counts its calls."""

    calls = 0

    def get(self, session):
        self.calls += 1
        return super().get(session)


@pytest.fixture
def your_app(monkeypatch):
    """Run the example of a function, with a lookup."""
    monkeypatch.setenv("MEDBLOCKS_API_KEY", KEY)
    monkeypatch.setenv("MEDBLOCKS_BASE_URL", HOST)
    monkeypatch.setenv("BFF_ACCESS", "enforce")
    names = {"users_by_session": Users(asha={"patient_id": "user_42"})}
    exec(example(PAGE, "def signed_in_patient"), names)  # noqa: S102 - the example is our own
    return names


def test_your_function_names_the_patient(your_app, stored):
    browser = your_app["app"].test_client()
    assert browser.get(PATIENT).status_code == 401

    browser.set_cookie("session", "asha")

    assert browser.get(PATIENT).json["id"] == "user_42"
    assert browser.get("/api/patients/user_43").status_code == 404


def test_your_function_runs_once_for_each_request(your_app, stored):
    browser = your_app["app"].test_client()
    browser.set_cookie("session", "asha")

    browser.get(PATIENT)

    assert your_app["users_by_session"].calls == 1


def test_an_exception_in_your_function_opens_nothing(your_app, medblocks):
    your_app["users_by_session"] = None  # so that the lookup raises

    assert your_app["app"].test_client().get(PATIENT).status_code == 500
    assert not medblocks.calls
