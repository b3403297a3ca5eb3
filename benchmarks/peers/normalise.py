"""What each peer of the benchmark answers with: the documented fields of a patient, and no others."""

import os
from typing import Any
from urllib.parse import quote

HEADERS = {"Authorization": f"Bearer {os.environ['API_KEY']}", "Version": "2026-04-25"}
UNAVAILABLE = {"error": {"message": "The health records service is unavailable."}}


def address(patient_id: str) -> str:
    """Return the upstream's address of a patient."""
    return f"{os.environ['UPSTREAM']}/patients/{quote(patient_id, safe='')}"


def patient(answer: dict[str, Any]) -> dict[str, Any]:
    """Return a patient's documented fields."""
    return {
        "id": answer["id"],
        "resource_type": "patient",
        "email": answer["email"],
        "name": answer["name"],
        "metadata": answer.get("metadata", {}),
        "created_at": answer["created_at"],
        "connections": [_connection(one) for one in answer["connections"]],
    }


def _connection(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": answer["id"],
        "resource_type": "connection",
        "patient_session_id": answer.get("patient_session_id"),
        "connection_id": answer["connection_id"],
        "status": answer["status"],
        "scopes": answer.get("scopes", []),
        "failure_code": answer.get("failure_code"),
        "failure_at": answer.get("failure_at"),
        "created_at": answer["created_at"],
        "updated_at": answer.get("updated_at"),
    }
