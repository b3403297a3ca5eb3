"""The records of a sandbox for benchmarks, and what a browser is to see of them."""

from typing import Any

FACILITIES_OF_MANY = 10
_MANY = "many-"


def patient_id(number: int, *, many: bool = False) -> str:
    """Return the id of a patient with three connections, or with as many as `FACILITIES_OF_MANY`."""
    return f"{_MANY if many else ''}bench-{number}"


def answered(identity: str) -> dict[str, Any]:
    """Return a patient as a browser is to get it: the documented fields alone."""
    many = identity.startswith(_MANY)
    statuses = ["active"] * FACILITIES_OF_MANY if many else ["active", "expired", "failed"]
    return {
        "id": identity,
        "resource_type": "patient",
        "email": "asha@example.com",
        "name": "Asha Example",
        "metadata": {"signup_source": "intake", "campaign": "spring"},
        "created_at": "2026-04-25T09:30:00Z",
        "connections": [_connection(identity, number, status) for number, status in enumerate(statuses)],
    }


def _connection(identity: str, number: int, status: str) -> dict[str, Any]:
    failed = status == "failed"
    return {
        "id": f"conn_{number}-{identity}",
        "resource_type": "connection",
        "patient_session_id": f"ps_{number}-{identity}",
        "connection_id": f"fhirsrc_{number}-{identity}",
        "status": status,
        "scopes": [] if failed else ["patient/*.read", "launch/patient", "offline_access"],
        "failure_code": "user_denied" if failed else None,
        "failure_at": "2026-04-25T09:34:00Z" if failed else None,
        "created_at": "2026-04-25T09:34:00Z",
        "updated_at": "2026-04-26T09:34:00Z",
    }


def stored(identity: str) -> dict[str, Any]:
    """Return a patient as the sandbox sends it: with fields that are not documented."""
    patient = answered(identity)
    connections = [{**connection, "source_kind": "epic"} for connection in patient["connections"]]
    return {**patient, "organization_id": "org_bench", "livemode": False, "connections": connections}


def facility(identity: str) -> dict[str, Any]:
    """Return a facility of the catalog."""
    return {
        "id": identity,
        "resource_type": "fhir_source",
        "name": "Alder Example Hospital",
        "type": "epic",
        "fhir_base_url": "https://fhir.alder.example/r4",
        "logo_url": None,
        "portal_url": "https://portal.alder.example",
    }
