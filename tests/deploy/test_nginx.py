"""nginx with the files of `deploy/nginx`: which requests reach the product, and how."""

import http.client
import json
import re

import pytest

from benchmarks.bench.processes import held_port
from benchmarks.deployment import NGINX_FILES, run_nginx
from tests.deploy.files import LOCATIONS, MAPS
from tests.deploy.upstreams import run_echo
from tests.factories import make_app

CREATE = {"patientId": "user_42", "name": "Ria Example", "email": "ria@example.com"}
DEPLOYMENT = (NGINX_FILES.parents[1] / "docs" / "deployment.md").read_text()
# For the orchestrator alone; and the front page, which an app beside the product may have for itself.
NOT_PUBLIC, FRONT_PAGE = "/readyz", "/"
_APP = make_app(MEDBLOCKS_WEBHOOK_SECRET="whsec_of_the_tests")
RULES = sorted({rule.rule for rule in _APP.url_map.iter_rules()} | {NOT_PUBLIC})


def logged_as(rule):
    """Return the line of maps.conf for a route."""
    pattern = re.sub(r"<path:\w+>", "[^?]+", rule.replace(".", r"\."))
    pattern = re.sub(r"<\w+>", "[^/?]+", pattern)
    slash = "" if "<" in rule or rule == FRONT_PAGE else "/?"
    return rf'"~^{pattern}{slash}(?:\?|$)" "{rule}";'


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """nginx with the product's paths, where an app of the team's own has the rest, and answers 418."""
    own_app = (
        "location / {\n        include medblocks-bff/proxy.conf;",
        "location / {\n        return 418;",
    )
    with (
        run_echo() as server,
        run_nginx(tmp_path_factory.mktemp("beside"), [server.address], edits=[own_app]) as nginx,
    ):
        yield server, nginx


@pytest.fixture
def send(beside, browser):
    """Send a request through nginx."""
    server, nginx = beside
    server.received.clear()

    def request(method="GET", path="/api/patients/user_42", **options):
        return browser.request(method, f"{nginx.address}{path}", timeout=30, **options)

    return request


def test_the_access_log_knows_every_route():
    assert re.findall(r'^    ("~\^/.*;)$', MAPS, re.MULTILINE) == [logged_as(rule) for rule in RULES]


@pytest.mark.parametrize("rule", sorted(set(RULES) - {NOT_PUBLIC, FRONT_PAGE}))
def test_every_route_reaches_the_product(send, rule):
    assert send(path=re.sub(r"<[\w:]+>", "an-id", rule)).status_code == 200


def test_every_listed_path_is_that_of_a_route():
    groups = re.findall(r"^location ~ \^(/\S*?)\(\?:(\S+)\)\(\?:/\|\$\) ", LOCATIONS, re.MULTILINE)
    paths = [f"{start}{name}/" for start, names in groups for name in names.replace("\\", "").split("|")]

    assert len(paths) > 12
    assert [path for path in paths if not any(f"{rule}/".startswith(path) for rule in RULES)] == []


@pytest.mark.parametrize("path", ["/", "/accounts", "/app", "/api/yours", "/webhooks/yours", "/intake.html"])
def test_other_paths_are_those_of_the_app_beside(send, path):
    assert send(path=path).status_code == 418


@pytest.mark.parametrize("path", ["/readyz", "/readyz/"])
def test_readiness_is_not_public(send, path):
    assert send(path=path).status_code == 404


@pytest.mark.parametrize("path", ["/api/patients/%75ser", "/api/patients/a%2Fb?q=%C3%A9+", "/intake/?x={}"])
def test_a_path_arrives_as_it_was_sent(beside, path):
    server, nginx = beside
    server.received.clear()
    connection = http.client.HTTPConnection(nginx.address.removeprefix("http://"), timeout=30)
    connection.request("GET", path)
    connection.getresponse().read()
    connection.close()

    assert server.received == [f"GET {path} HTTP/1.1"]


def test_a_client_chooses_no_forwarded_header(send, beside):
    forged = dict.fromkeys(("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"), "192.0.2.9")
    host = beside[1].address.removeprefix("http://")

    headers = [tuple(pair) for pair in send(headers=forged).json()["headers"]]

    assert {pair for pair in headers if pair[0].startswith("X-Forwarded")} == {
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Host", host),
    }
    assert ("Host", host) in headers


@pytest.mark.parametrize(
    "name", ["X-Patient-Id", "X-Bff-Proxy-Secret", "X_Patient_Id", "Upgrade", "Connection"]
)
def test_a_client_sends_no_header_of_the_proxy(send, name):
    headers = dict(send(headers={name: "forged"}).json()["headers"])

    assert "forged" not in headers.values()


def test_a_post_that_was_sent_is_not_sent_again(tmp_path, browser):
    with run_echo() as first, run_echo() as second:
        with run_nginx(tmp_path, [first.address, second.address]) as nginx:
            posted = browser.post(f"{nginx.address}/api/patients?drop", json=CREATE, timeout=30)
        received = [line for line in first.received + second.received if "drop" in line]

    assert posted.status_code == 502
    assert received == ["POST /api/patients?drop HTTP/1.1"]


def test_a_server_that_is_down_is_passed_over(tmp_path, browser):
    with (
        held_port() as down,
        run_echo() as server,
        run_nginx(tmp_path, [f"127.0.0.1:{down}", server.address]) as nginx,
    ):
        replies = [browser.post(f"{nginx.address}/api/patients", json=CREATE, timeout=30) for _ in range(4)]

    assert {reply.status_code for reply in replies} == {200}


def test_behind_another_proxy_the_clients_address_arrives(tmp_path, browser):
    example = re.search(r"^set_real_ip_from.*?(?=^```)", DEPLOYMENT, re.MULTILINE | re.DOTALL)[0]
    logs = "include medblocks-bff/logs.conf;"
    edit = (logs, f"{logs}\n{example.replace('203.0.113.0/24', '127.0.0.1')}")
    forwarded = {"X-Forwarded-For": "192.0.2.1, 192.0.2.9"}
    with run_echo() as server, run_nginx(tmp_path, [server.address], edits=[edit]) as nginx:
        reply = browser.get(f"{nginx.address}/api/patients/user_42", headers=forwarded, timeout=30)

    assert dict(reply.json()["headers"])["X-Forwarded-For"] == "192.0.2.9"


def test_no_log_has_an_id_or_a_query(down, browser, log_lines):
    paths = "/api/patients/CANARY-1?q=CANARY-2", "/invite/CANARY-3", "/connected?id=CANARY-4", "/CANARY-5"
    for path in paths:
        browser.get(
            f"{down.address}{path}", headers={"Referer": "CANARY-6", "Cookie": "a=CANARY"}, timeout=30
        )
    browser.post(f"{down.address}/api/patients/CANARY-7", data=b"CANARY" * 50_000, timeout=30)
    browser.get(f"{down.address}/CANARY{'x' * 30_000}", timeout=30)
    lines = [json.loads(line) for line in log_lines(down, 1 + len(paths) + 2)]

    files = [file for file in down.home.rglob("*") if file.is_file()]
    assert [file.name for file in files if b"CANARY" in file.read_bytes()] == []
    assert sorted((line["method"], line["route"], line["status"]) for line in lines) == [
        ("GET", "/api/patients/<patient_id>", 502),
        ("GET", "/connected", 502),
        ("GET", "/healthz", 502),
        ("GET", "/invite/<token>", 502),
        ("GET", "none", 414),
        ("GET", "none", 502),
        ("POST", "/api/patients/<patient_id>", 413),
    ]


def test_a_request_is_in_both_logs_by_its_id(proxied, log_lines):
    before = len(proxied.nginx.log().splitlines())
    reply = proxied.ask("DELETE", "/api/patients/user_42")

    line = json.loads(log_lines(proxied.nginx, before + 1)[-1])

    assert (line["method"], line["route"], line["status"]) == ("DELETE", "/api/patients/<patient_id>", 405)
    assert line["request_id"] == reply.headers["X-Request-Id"]


def test_only_static_files_are_compressed(proxied):
    style, page, api = (
        proxied.ask("GET", path) for path in ("/static/style.css", "/intake", "/api/openapi.json")
    )

    assert style.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in {*page.headers, *api.headers}


def test_a_full_cookie_passes(proxied):
    created = [
        proxied.ask("POST", "/api/patients", json={**CREATE, "patientId": f"full-{number}"})
        for number in range(61)
    ]

    assert {reply.status_code for reply in created} == {200}
    assert len(created[-1].headers["Set-Cookie"]) > len(created[0].headers["Set-Cookie"]) + 1000


def test_the_form_goes_on_under_the_port_of_nginx(proxied):
    page = proxied.ask("GET", "/intake").text
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    form = {**fields, "name": "Ria Example", "email": "ria@example.com", "action": "create"}

    reply = proxied.ask("POST", "/intake", data=form)

    assert reply.status_code == 303
    assert reply.headers["Location"].startswith(f"{proxied.nginx.address}/connected?")
