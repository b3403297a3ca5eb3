"""The demo with a failing sandbox: what it says, and what a person sees of it."""

import pytest
import requests

from benchmarks.running import ADDRESS, run_process
from bff.sandbox import DEMO_KEY, PROFILES

TIMEOUT = 30
KEY = {"Authorization": f"Bearer {DEMO_KEY}"}


@pytest.fixture(scope="module")
def demo():
    """A demo that loses answers, and the address of its sandbox."""
    options = ("--port", "0", "--sandbox-port", "0", "--faults", "lost-answers")
    with run_process("demo", *options, until="Change them") as running:
        yield running, ADDRESS.findall(running.printed)[-1]


@pytest.fixture
def bff(demo):
    return demo[0].address


@pytest.fixture
def sandbox(demo):
    return demo[1]


@pytest.fixture
def use(sandbox, browser):
    """Change the faults as the printed line says, in a way that can be repeated."""

    def put(**wish):
        reply = browser.put(f"{sandbox}/_faults", json=wish, timeout=TIMEOUT)
        reply.raise_for_status()
        return reply.json()

    return put


def create(browser, bff, patient_id):
    return browser.post(f"{bff}/api/patients", json={"patientId": patient_id}, timeout=TIMEOUT)


def test_the_demo_prints_its_faults(demo, sandbox):
    line = demo[0].printed.splitlines()[-1]

    assert line.startswith(f"Faults: lost-answers. {PROFILES['lost-answers'].description}")
    assert line.endswith(f"{sandbox}/_faults")


def test_creates_whose_answers_are_lost_succeed_exactly_once(bff, sandbox, browser, use):
    use(profile="lost-answers", seed=7)
    replies = {f"lost_{number}": create(browser, bff, f"lost_{number}") for number in range(5)}
    assert [reply.status_code for reply in replies.values()] == [200] * 5

    use(faults=[])
    for patient_id, reply in replies.items():
        stored = requests.get(
            f"{sandbox}/patients/{patient_id}",
            headers={"Authorization": f"Bearer {DEMO_KEY}"},
            timeout=TIMEOUT,
        ).json()
        assert (stored["id"], stored["created_at"]) == (patient_id, reply.json()["created_at"])
        assert create(browser, bff, patient_id).json() == reply.json()


def test_the_faults_that_it_began_with_do_happen(bff, sandbox, browser, use):
    use(profile="lost-answers", seed=7)
    create(browser, bff, "happens_1")
    create(browser, bff, "happens_2")

    assert browser.get(f"{sandbox}/_faults", timeout=TIMEOUT).json()["fired"] != {}


def test_a_tls_failure_is_an_outage(browser):
    options = ("--port", "0", "--sandbox-port", "0", "--faults", "tls")
    with run_process("demo", *options, until="Faults: tls") as running:
        sandbox = ADDRESS.findall(running.printed)[1]
        reply = create(browser, running.address, "tls_1")
        hosted = browser.get(f"{sandbox}/c/unknown", timeout=TIMEOUT)
        stored = browser.get(f"{sandbox}/patients/tls_1", headers=KEY, timeout=TIMEOUT)

    assert (reply.status_code, reply.json()["error"]["code"]) == (502, "upstream_unavailable")
    assert "TLS" not in reply.text
    assert (hosted.status_code, stored.status_code) == (404, 404)
    assert running.printed.endswith(f"{PROFILES['tls'].description} Restart the demo to change that.\n")


def test_the_control_route_changes_what_fails(bff, browser, use):
    use(profile="down")
    down = create(browser, bff, "changed_1")
    use(faults=[])
    well = create(browser, bff, "changed_1")

    assert (down.status_code, down.json()["error"]["code"]) == (502, "upstream_unavailable")
    assert well.status_code == 200
