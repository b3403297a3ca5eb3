"""The deployment of docs/deployment.md: nginx with TLS, a login's cookie, two workers and Redis."""

import http.client
import json
import ssl
import threading
from contextlib import ExitStack

import pytest
from cryptography import x509

from benchmarks.bench.processes import held_port
from benchmarks.deployment import Redis, run_nginx
from benchmarks.running import run_process, run_sandbox, variables
from tests.deploy.conftest import LONG_DEADLINES, Proxied
from tests.examples import example, run_shell
from tests.factories import JWT_BY_SECRET, bearer
from tests.https_host import certificate_file

PATIENT = {"patientId": "user_42", "name": "Ria Example", "email": "ria@example.com"}
LOGIN = "https://app.example.com/login"
LIMIT = 60


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The deployment, and the certificate to trust."""
    folder = tmp_path_factory.mktemp("site")
    certificate = certificate_file(folder, x509.DNSName("localhost"))
    with ExitStack() as stack:
        port, redis_port = (stack.enter_context(held_port()) for _ in range(2))
        redis = Redis(folder, redis_port)
        stack.callback(redis.stop)
        redis.start()
        changes = {
            **JWT_BY_SECRET,
            **LONG_DEADLINES,
            "BFF_JWT_COOKIE": "login",
            "BFF_LOGIN_URL": LOGIN,
            "BFF_PUBLIC_URL": f"https://localhost:{port}",
            "BFF_PROXY_HOPS": "1",
            "BFF_PROCESSES": "2",
            "BFF_REDIS_URL": redis.url,
            "BFF_RATE_LIMIT": "on",
            "BFF_RATE_LIMIT_ADDRESS": f"{LIMIT}/hour",
        }
        settings = variables(stack.enter_context(run_sandbox()).address, **changes)
        running = stack.enter_context(run_process("serve", "--port", "0", quiet=True, **settings))
        server = running.address.removeprefix("http://")
        nginx = stack.enter_context(run_nginx(folder, [server], port=port, certificate=certificate))
        yield nginx, certificate


@pytest.fixture
def signed_in(site, browser):
    """A browser that the team's login has signed in."""
    nginx, certificate = site
    browser.verify = str(certificate)
    browser.cookies.set("login", bearer(sub="user_42")["Authorization"].removeprefix("Bearer "))
    return Proxied(nginx, browser)


def test_a_signed_in_patient_creates_and_reads_herself(signed_in):
    created = signed_in.ask("POST", "/api/patients", json=PATIENT)
    read = signed_in.ask("GET", "/api/patients/user_42")

    assert (created.status_code, read.status_code) == (200, 200)
    assert read.json()["email"] == "ria@example.com"
    assert "max-age" in read.headers["Strict-Transport-Security"]


def test_the_command_of_the_page_creates_a_patient(site, tmp_path):
    nginx, certificate = site
    text = example("docs/deployment.md", "curl -b").replace("user_42", "user_43")
    command = text.replace("https://records.example.com", nginx.address)
    token = bearer(sub="user_43")["Authorization"].removeprefix("Bearer ")

    printed = run_shell(command, tmp_path, TOKEN=token, CURL_CA_BUNDLE=str(certificate), NO_PROXY="localhost")

    assert json.loads(printed)["id"] == "user_43"


def test_another_patient_does_not_exist_for_her(signed_in):
    assert signed_in.ask("GET", "/api/patients/user_7").status_code == 404


def test_without_the_cookie_pages_lead_to_the_login(site, browser):
    nginx, certificate = site
    browser.verify = str(certificate)
    visitor = Proxied(nginx, browser)

    page = visitor.ask("GET", "/account")

    assert visitor.ask("GET", "/api/patients/user_42").status_code == 401
    assert (page.status_code, page.headers["Location"].partition("?")[0]) == (303, LOGIN)


def test_the_account_page_knows_who_signed_in(signed_in):
    assert signed_in.ask("GET", "/account").status_code == 200


def test_http_leads_to_https(site, browser):
    nginx, _ = site

    reply = browser.get(
        f"http://localhost:{nginx.redirecting_port}/account?x=1", allow_redirects=False, timeout=30
    )

    assert (reply.status_code, reply.headers["Location"]) == (301, "https://localhost/account?x=1")


def ask_from(source, site, forged):
    """Return the status of a request from an address of this machine."""
    nginx, certificate = site
    connection = http.client.HTTPSConnection(
        "localhost",
        nginx.server.port,
        timeout=30,
        source_address=(source, 0),
        context=ssl.create_default_context(cafile=certificate),
    )
    connection.request("GET", "/api/connections", headers={"X-Forwarded-For": forged})
    status = connection.getresponse().status
    connection.close()
    return status


def test_both_workers_count_a_client_by_its_own_address(site):
    statuses = []
    threads = [
        threading.Thread(target=lambda n=n: statuses.append(ask_from("127.0.0.2", site, f"192.0.2.{n}")))
        for n in range(LIMIT + 20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses.count(429) == 20
    assert ask_from("127.0.0.3", site, "127.0.0.2") != 429
