"""The documentation page's client functions, without types, in a real browser."""

import pytest

pytestmark = pytest.mark.slow

SNIPPETS = """
async function createPatient(values) {
  const response = await fetch("/api/patients", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(values),
  });
  if (!response.ok) {
    const { error } = await response.json();
    throw new Error(error?.message ?? "Could not create patient");
  }
  return response.json();
}
async function getPatient(patientId) {
  const response = await fetch(`/api/patients/${encodeURIComponent(patientId)}`);
  const body = await response.json();
  if (!response.ok) throw new Error(body.error?.message ?? "Could not read patient");
  return body;
}
"""
ASHA = '{ patientId: "member 7/2".replace("/", "-"), email: "asha@example.com", name: "Asha Example" }'


@pytest.fixture
def run(site, open_page):
    """Evaluate an expression after the snippets, on a page of the server."""
    page = open_page(site.bff)

    def evaluate(expression):
        return page.evaluate(f"async () => {{ {SNIPPETS}; return await ({expression}); }}")

    return evaluate


def test_create_and_read_resolve(run):
    created = run(f"createPatient({ASHA})")
    read = run('getPatient("member 7-2")')

    assert (created["id"], created["email"], created["name"]) == (
        "member 7-2",
        "asha@example.com",
        "Asha Example",
    )
    assert (read["id"], read["connections"]) == ("member 7-2", [])


def test_second_create_rejects_with_a_clear_message(run, site, open_page):
    run('createPatient({ patientId: "user_99" })')
    elsewhere = open_page(site.bff)

    message = elsewhere.evaluate(
        f'async () => {{ {SNIPPETS}; return createPatient({{ patientId: "user_99" }}).catch(String); }}'
    )

    assert "This patient number is already in use. Please use another one." in message


def test_another_browser_finds_no_such_patient(run, site, open_page):
    run('createPatient({ patientId: "user_77", name: "Asha Example" })')
    elsewhere = open_page(site.bff)

    message = elsewhere.evaluate(
        f'async () => {{ {SNIPPETS}; return getPatient("user_77").catch((error) => error.message); }}'
    )

    assert message == "There is no patient with this number."


ERRORS = {
    'createPatient({ patientId: "" })': "Enter a patient number.",
    'createPatient({ patientId: "a", email: "x" })': "Enter an email address in the correct format",
    'getPatient("nobody")': "There is no patient with this number.",
    'getPatient("a/b")': "There is",
    'getPatient("a?limit=100")': "There is no patient with this number.",
}


def test_error_branches_throw_the_envelopes_message(run):
    # On one page, since opening one takes a second.
    messages = {call: run(f"{call}.catch((error) => error.message)") for call in ERRORS}

    assert [call for call, message in ERRORS.items() if message not in messages[call]] == []
