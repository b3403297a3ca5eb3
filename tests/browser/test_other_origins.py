"""Pages on other origins: cookies on the same site, bearer tokens from any, in a real browser."""

import re

import pytest

from benchmarks.running import run_sandbox
from tests.browser.conftest import run_site
from tests.browser.serving import serve_folder
from tests.factories import JWT_BY_SECRET, bearer

FAILED = "Failed to load resource: net::ERR_FAILED"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Serve an empty page on another port, and return that."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "index.html").write_text('<!doctype html><html lang="en"><link rel="icon" href="data:,">')
    with serve_folder(folder) as port:
        yield port


@pytest.fixture(scope="module")
def upstream():
    with run_sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def bff(pages, upstream):
    """Run the server for this page; browsers call it at localhost."""
    trusted = f"http://localhost:{pages} http://127.0.0.1:{pages}"
    with run_site(upstream.address, BFF_TRUSTED_ORIGINS=trusted) as address:
        yield address.replace("127.0.0.1", "localhost")


@pytest.fixture
def run(open_page, pages):
    """Evaluate an expression on the other origin's page, with the module of a server as `mb`."""

    def run(bff, expression, *, host="localhost", argument=None, configuration=""):
        page = open_page(f"http://{host}:{pages}/")
        script = f"""
          const mb = await import("{bff}/static/medblocks-bff.js");
          mb.configure({{ baseUrl: "{bff}", {configuration} }});
          return await ({expression});
        """
        return page.evaluate(f"async (argument) => {{ {script} }}", argument)

    return run


def test_cookies_work_on_the_same_site(run, bff):
    read = run(bff, "mb.createPatient({ patientId: 'user_1' }).then(() => mb.getPatient('user_1'))")

    assert (read["id"], read["connections"]) == ("user_1", [])


def test_cookies_do_not_work_on_another_site(run, bff):
    expression = "mb.createPatient({ patientId: 'user_2' }).then(() => mb.getPatient('user_2')).catch(String)"

    message = run(bff, expression, host="127.0.0.1")

    assert "There is no patient with this number." in message


def test_untrusted_origins_create_nothing(pages, upstream, open_page):
    with run_site(upstream.address, BFF_TRUSTED_ORIGINS="http://localhost:1") as address:
        code = open_page(f"http://127.0.0.1:{pages}/").evaluate(f"""
          fetch("{address}/api/patients", {{
            method: "POST", credentials: "include", headers: {{ "Content-Type": "application/json" }},
            body: JSON.stringify({{ patientId: "user_3" }}),
          }}).catch((error) => error.name)
        """)

    assert code == "TypeError"
    assert "user_3" not in upstream.store.patients
    assert [text for text in open_page.messages if "blocked by CORS policy" not in text] == [FAILED]
    open_page.messages.clear()


def test_bearer_tokens_work_from_another_site(run, pages, upstream):
    token = bearer(sub="user_4")["Authorization"]
    trusted = f"http://127.0.0.1:{pages}"
    with run_site(upstream.address, BFF_TRUSTED_ORIGINS=trusted, **JWT_BY_SECRET) as address:
        created, read, other = run(
            address.replace("127.0.0.1", "localhost"),
            "mb.createPatient({ patientId: 'user_4' }).then(async (created) => "
            "[created, await mb.getPatient('user_4'), await mb.getPatient('user_1').catch(String)])",
            host="127.0.0.1",
            argument=token,
            configuration="headers: async () => ({ Authorization: argument })",
        )

    assert created["id"] == read["id"] == "user_4"
    assert "There is no patient with this number." in other


def test_headers_for_programs_are_readable(run, bff):
    expression = f"fetch('{bff}/api/nothing').then((reply) => reply.headers.get('X-Request-Id'))"

    assert re.match("req_", run(bff, expression))


def test_logos_load_on_the_other_origin(run, bff):
    width = run(
        bff,
        f"""mb.createPatient({{ patientId: "user_5" }}).then(async () => {{
          const image = new Image();
          image.src = "{bff}" + (await mb.searchConnections("hospital")).data[0].logo_path;
          await image.decode();
          return image.naturalWidth;
        }})""",
    )

    assert width > 0


def test_failing_headers_are_thrown_as_they_are(run, bff):
    message = run(
        bff,
        "mb.getPatient('user_1').catch((error) => error.message)",
        configuration="headers: async () => { throw new Error('signed out'); }",
    )

    assert message == "signed out"
