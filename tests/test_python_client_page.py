"""Runs every example of `docs/python-client.md`."""

import asyncio
import inspect
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import django
import flask
import pytest
import responses
from django.conf import settings as django_settings
from django.http import JsonResponse
from django.test import RequestFactory

import bff.medblocks
from bff.medblocks import Medblocks, errors
from bff.sandbox import DEMO_KEY
from tests.factories import connection, error_body, facilities, facility, patient, session

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "python-client.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
API = "https://app.medblocks.com"
BACK = "https://your-app.example.com/connected?patient_id=user_42&patient_session_id="


@pytest.fixture(scope="module")
def page():
    """The names that the examples define, one after another."""
    if not django_settings.configured:
        django_settings.configure(SECRET_KEY="x", DEFAULT_CHARSET="utf-8")
        django.setup()
    names = {
        "app": flask.Flask("yours"),
        "asyncio": asyncio,
        "JsonResponse": JsonResponse,
        "log": logging.getLogger("yours"),
        "responses": responses,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDBLOCKS_API_KEY", "mb_sk_sbx_x")
        for block in BLOCKS:
            exec(block, names)  # noqa: S102 - the examples are our own
    return names


def test_a_patient_is_created_and_read(page, medblocks):
    medblocks.post(f"{API}/patients", json=patient())
    medblocks.get(f"{API}/patients/user_42", json=patient(connections=[]))

    assert page["create_patient"]("user_42", name="Asha Example") == patient()
    assert page["get_patient"]("user_42")["connections"] == []
    sent = medblocks.calls[0].request.body
    assert (
        sent == b'{"patient_id": "user_42", "name": "Asha Example", "metadata": {"signup_source": "intake"}}'
    )


def test_a_session_is_started(page, medblocks):
    medblocks.post(f"{API}/patient-sessions", json=session())

    assert page["start_session"]("user_42") == session()["url"]


@pytest.mark.parametrize(("status", "connected"), [("active", True), ("failed", False)])
def test_a_return_is_verified(page, medblocks, status, connected):
    row = {"id": None, "connection_id": "fhirsrc_1", "status": status}
    medblocks.get(f"{API}/patient-sessions/ps_1", json=session(connections=[row]))

    assert page["is_connected"](f"{BACK}ps_1", "ps_1") is connected


def test_a_return_of_another_session_is_not_believed(page, medblocks):
    assert not page["is_connected"](f"{BACK}ps_2", "ps_1")


def test_connected_facilities_are_shown(page, medblocks):
    rows = [connection(), connection(connection_id="fhirsrc_9", status="failed")]
    medblocks.get(f"{API}/patients/user_42", json=patient(connections=rows))
    medblocks.get(f"{API}/connections/fhirsrc_1", json=facility())

    (found,) = page["connected_facilities"]("user_42")

    assert found == (facility()["name"], facility()["logo_url"], facility()["fhir_base_url"])


def test_the_other_calls_work(page, medblocks):
    record = {"source": None, "resource": {"resourceType": "Observation"}}
    medblocks.get(f"{API}/patients/user_42", json=patient(connections=[]))
    medblocks.put(f"{API}/patients/user_42", json=patient())
    medblocks.get(f"{API}/patients/user_42/patient-sessions", json=facilities(session()))
    medblocks.get(f"{API}/patients/user_42/records", json=facilities(record))
    medblocks.get(f"{API}/connections", json=facilities(facility()))

    assert page["everything_about"]("user_42") == ([session()], [record], [facility()])


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (409, "This patient_id is already taken."),
        (500, "Please check first."),
        (401, "Please try again later."),
    ],
)
def test_errors_are_handled(page, medblocks, caplog, status, shown):
    medblocks.post(f"{API}/patients", json=error_body("some_code"), status=status)

    assert page["create_or_explain"]("user_42") == shown
    assert "user_42" not in caplog.text


@pytest.fixture
def stored(medblocks):
    medblocks.get(f"{API}/patients/user_42", json=patient(connections=[]))
    return patient(connections=[])


def test_the_flask_view_works(page, stored):
    assert page["app"].test_client().get("/patients/user_42").json == stored


def test_the_django_view_works(page, stored):
    reply = page["django_view"](RequestFactory().get("/"), "user_42")

    assert reply.content == JsonResponse(stored).content


def test_the_async_view_works(page, stored):
    # In a thread of its own: the browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(lambda: asyncio.run(page["async_view"]("user_42"))).result() == stored


def test_the_test_with_responses_passes(page):
    page["test_create_patient"]()


def test_the_sandbox_needs_no_key_of_yours(page, sandbox):
    (example,) = [block for block in BLOCKS if "127.0.0.1:8001" in block]
    names = {"Medblocks": Medblocks}
    exec(example.replace("http://127.0.0.1:8001", sandbox.address), names)  # noqa: S102 - our own

    assert DEMO_KEY in example
    assert names["sandbox"].patients.create(patient_id="user_42")["id"] == "user_42"


def test_the_page_lists_every_method(page):
    rows = re.findall(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|$", PAGE, re.MULTILINE)

    for resource, methods in rows:
        public = {name for name, _ in inspect.getmembers(getattr(page["mb"], resource)) if name[0] != "_"}
        assert set(re.findall(r"\w+", methods)) == public
    assert {resource for resource, _ in rows} == {"patients", "patient_session", "connections"}


def test_the_page_lists_every_option():
    rows = dict(re.findall(r"^\| `(\w+)` \| (?:`(\S+)`|) ?\| ", PAGE, re.MULTILINE))
    options = {
        name: each.default
        for name, each in inspect.signature(Medblocks).parameters.items()
        if each.kind is inspect.Parameter.KEYWORD_ONLY
    }

    assert {name: rows[name] for name in options} == {
        name: "" if default is None else str(default) for name, default in options.items()
    }


def test_the_page_names_every_attribute_of_an_error():
    named = set(re.findall(r"`(\w+)`", PAGE))

    assert vars(errors.MedblocksError("health")).keys() - {"operation", "detail", "sent"} <= named


def test_the_readme_shows_the_client(page):
    readme = (ROOT / "README.md").read_text()
    (example,) = [b for b in re.findall(r"^```python\n(.*?)^```", readme, re.M | re.S) if "Medblocks" in b]

    with responses.RequestsMock(target="bff.medblocks.curl.adapter.CurlAdapter.send") as mock:
        mock.post(f"{API}/patients", json=patient())
        mock.post(f"{API}/patient-sessions", json=session())
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MEDBLOCKS_API_KEY", "mb_sk_sbx_x")
            exec(example, {"bff": bff})  # noqa: S102 - the example is our own
