"""What a real server and a real client do to a path on the way is not what a test client does."""

from urllib.parse import quote

import pytest
import requests

from bff.cli.startup import bind as listen
from bff.sandbox import DEMO_KEY, SandboxServer, create_sandbox
from bff.sandbox.catalog import FACILITIES


@pytest.fixture(scope="module")
def call():
    app = create_sandbox("http://sandbox.test")
    server = SandboxServer(app, listen("127.0.0.1", 0))
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {DEMO_KEY}"

        def request(method, path, **options):
            reply = session.request(method, f"{server.address}{path}", **options)
            reply.raise_for_status()
            return reply.json()

        yield request
    server.stop()


@pytest.mark.parametrize("patient_id", ["user_42", "a/b", "a//b", "/a", "a/", "Zoë", "a?limit=1", "a%2Fb"])
def test_an_id_survives_the_wire(call, patient_id):
    call("POST", "/patients", json={"patient_id": patient_id})
    assert call("GET", f"/patients/{quote(patient_id, safe='')}")["id"] == patient_id


def test_a_fhir_base_url_survives_the_wire(call):
    facility = next(iter(FACILITIES.values()))
    assert call("GET", f"/connections/{quote(facility['fhir_base_url'], safe='')}") == facility
