"""The same read with Flask and one shared session of requests, which keeps a connection for each thread."""

from typing import Any

import requests
from flask import Flask
from normalise import HEADERS, UNAVAILABLE, address, patient
from requests.adapters import HTTPAdapter

app = Flask(__name__)
session = requests.Session()
session.headers.update(HEADERS)
for scheme in ("http://", "https://"):
    session.mount(scheme, HTTPAdapter(pool_maxsize=32))


@app.get("/api/patients/<patient_id>")
def read_patient(patient_id: str) -> Any:
    """Read a patient."""
    reply = session.get(address(patient_id), timeout=10)
    if not reply.ok:
        return UNAVAILABLE, 502
    return patient(reply.json())
