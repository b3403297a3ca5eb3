"""The patient id of a valid token: the template that joins claims to an id."""

import pytest

from tests.factories import HOST, SECRET, bearer, patient

PATIENT = f"{HOST}/patients/"
BY_SECRET = {"BFF_JWT_SECRET": SECRET}


@pytest.fixture
def found(medblocks):
    """Mock a patient at Medblocks, with any id."""

    def add(patient_id="user_42", quoted=None):
        medblocks.get(PATIENT + (quoted or patient_id), json=patient(id=patient_id, connections=[]))

    return add


@pytest.mark.parametrize(
    ("template", "claims", "patient_id", "quoted"),
    [
        ("{sub}", {"sub": "user_42"}, "user_42", None),
        ("{uid}", {"sub": "x", "uid": "user_42"}, "user_42", None),
        ("member-{sub}", {"sub": "42"}, "member-42", None),
        ("{tenant}:{sub}", {"tenant": 7, "sub": 42}, "7:42", "7%3A42"),
        ("{tenant}:{sub}", {"tenant": "north", "sub": "42"}, "north:42", "north%3A42"),
        ("{sub}-{sub}", {"sub": "42"}, "42-42", None),
        ("{https://login.example/id}", {"https://login.example/id": "user_42"}, "user_42", None),
        ("{tenant}:{sub}", {"tenant": "{sub}", "sub": "42"}, "{sub}:42", "%7Bsub%7D%3A42"),
    ],
)
def test_the_template_makes_the_patient_id(client_for, found, template, claims, patient_id, quoted):
    found(patient_id, quoted)
    client = client_for(**BY_SECRET, BFF_JWT_PATIENT_ID=template)

    reply = client.get(f"/api/patients/{quoted or patient_id}", headers=bearer(**claims))

    assert reply.status_code == 200


@pytest.mark.parametrize("claims", [{}, {"tenant": ""}, {"tenant": 1.5}, {"tenant": None}, {"tenant": ["x"]}])
def test_a_token_without_the_templates_claims_is_refused(client_for, medblocks, claims):
    client = client_for(**BY_SECRET, BFF_JWT_PATIENT_ID="{tenant}:{sub}")

    assert client.get("/api/patients/x:user_42", headers=bearer(**claims)).status_code == 403
    assert not medblocks.calls


@pytest.mark.parametrize(
    ("template", "claims"),
    [
        ("{tenant}:{sub}", {"tenant": "a:b", "sub": "c"}),
        ("{tenant}:{sub}", {"tenant": "a", "sub": "b:c"}),
        ("{tenant}:{group}-{sub}", {"tenant": "a-b", "group": "c", "sub": "d"}),
        ("{tenant}:{group}-{sub}", {"tenant": "a", "group": "b", "sub": "c:d"}),
        ("{tenant}::{sub}", {"tenant": "a:", "sub": "b"}),
        ("{tenant}::{sub}", {"tenant": "a", "sub": ":b"}),
        ("{tenant}-{sub}", {"tenant": "a", "sub": -1}),
    ],
)
def test_two_people_never_have_the_same_id(client_for, medblocks, template, claims):
    client = client_for(**BY_SECRET, BFF_JWT_PATIENT_ID=template)
    patient_id = template.format(**claims)

    assert client.get(f"/api/patients/{patient_id}", headers=bearer(**claims)).status_code == 403
    assert not medblocks.calls


def test_a_login_may_create_only_its_own_patient(client_for, medblocks):
    medblocks.post(PATIENT.rstrip("/"), json=patient())
    client = client_for(**BY_SECRET)

    own = client.post("/api/patients", headers=bearer(), json={"patientId": "user_42"})
    other = client.post("/api/patients", headers=bearer(), json={"patientId": "user_43"})

    assert (own.status_code, other.status_code) == (200, 404)
    assert len(medblocks.calls) == 1
