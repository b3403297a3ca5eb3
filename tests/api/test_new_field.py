"""A new field on create needs only the request schema and the response model."""

import os
import subprocess
import sys

PROGRAM = """
import json

import responses
from marshmallow import fields

from bff import schemas
from bff.enrollment import models


class NewPatient(schemas.NewPatient):
    phone = fields.String()


class Patient(models.Patient, kw_only=True):
    phone: str | None = None


class PatientDetail(models.PatientDetail, kw_only=True):
    phone: str | None = None


# Before any other module imports them.
schemas.NewPatient, models.Patient, models.PatientDetail = NewPatient, Patient, PatientDetail

from bff import create_app, load_settings

HOST = "https://you-forgot-to-mock-medblocks.test"
PHONE = "+1 555 0100"
settings = load_settings({"MEDBLOCKS_API_KEY": "mb_sk_sbx_x", "MEDBLOCKS_BASE_URL": HOST})
client = create_app(settings).test_client()


def create(phone, **answer):
    with responses.RequestsMock(target="bff.medblocks.curl.adapter.CurlAdapter.send") as mock:
        mock.post(HOST + "/patients", **answer)
        if "status" in answer:  # a conflict: the patient is read back
            stored = {"id": "user_42", "phone": PHONE, "metadata": sent["metadata"], "connections": []}
            mock.get(HOST + "/patients/user_42", json=stored)
        reply = client.post("/api/patients", json={"patientId": "user_42", "phone": phone})
        return reply, json.loads(mock.calls[0].request.body)


# It is sent to Medblocks, and it comes back.
reply, sent = create(PHONE, json={"id": "user_42", "phone": PHONE})
assert (reply.status_code, sent["phone"], reply.json["phone"]) == (200, PHONE, PHONE)

# A repeated create returns it; one with another value is a conflict.
conflict = {"json": {"error": {"code": "external_id_already_exists"}}, "status": 409}
reply, _ = create(PHONE, **conflict)
assert (reply.status_code, reply.json["phone"]) == (200, PHONE)
assert "connections" not in reply.json
reply, _ = create("+1 555 0199", **conflict)
assert reply.status_code == 409

# An error of Medblocks names it.
rejected = {"json": {"error": {"code": "invalid_request", "param": "phone"}}, "status": 400}
with responses.RequestsMock(target="bff.medblocks.curl.adapter.CurlAdapter.send") as mock:
    mock.post(HOST + "/patients", **rejected)
    reply = client.post("/api/patients", json={"patientId": "user_43", "phone": PHONE})
assert (reply.status_code, reply.json["error"]["param"]) == (400, "phone")

# The OpenAPI document has it, in the request and in both responses.
schemas = client.get("/api/openapi.json").json["components"]["schemas"]
assert all("phone" in schemas[name]["properties"] for name in ("NewPatient", "Patient", "PatientDetail"))
"""


def test_a_new_field_needs_only_schema_and_model(tmp_path):
    variables = {
        name: text for name, text in os.environ.items() if not name.startswith(("MEDBLOCKS_", "BFF_"))
    }
    command = [sys.executable, "-W", "error", "-c", PROGRAM]

    done = subprocess.run(command, check=False, cwd=tmp_path, env=variables, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
