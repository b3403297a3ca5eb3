"""The same read with Flask and `requests.get`, as the usual tutorial has it."""

from typing import Any

import requests
from flask import Flask
from normalise import HEADERS, UNAVAILABLE, address, patient

app = Flask(__name__)


@app.get("/api/patients/<patient_id>")
def read_patient(patient_id: str) -> Any:
    """Read a patient."""
    reply = requests.get(address(patient_id), headers=HEADERS, timeout=10)
    if not reply.ok:
        return UNAVAILABLE, 502
    return patient(reply.json())
