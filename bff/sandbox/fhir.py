"""The records that the sandbox has of a connection: a few FHIR resources. All of them are invented."""

from collections.abc import Iterable
from datetime import UTC, datetime

from bff.sandbox.errors import invalid_request
from bff.sandbox.records import Connection, Json, timestamp

_RESOURCES: tuple[tuple[str, Json], ...] = (
    ("Observation", {"status": "final", "code": {"text": "Heart rate (invented)"}}),
    ("Observation", {"status": "final", "code": {"text": "Body weight (invented)"}}),
    ("Condition", {"code": {"text": "Hay fever (invented)"}}),
    ("Immunization", {"status": "completed", "vaccineCode": {"text": "Tetanus (invented)"}}),
)


def records(connections: Iterable[Connection], types: str | None, since: str | None) -> list[Json]:
    """Return the records of connections that had access, optionally of some types and since a moment.

    `types` is separated by commas. Raise ApiError for a moment that is not ISO 8601.
    """
    wanted, earliest = types.split(",") if types else None, _moment(since)
    return [
        row
        for connection in connections
        if connection.status != "failed" and connection.created_at >= earliest
        for row in _rows(connection)
        if wanted is None or row["resource"]["resourceType"] in wanted
    ]


def _rows(connection: Connection) -> Iterable[Json]:
    prefix = connection.id.replace("_", "-")
    for number, (kind, content) in enumerate(_RESOURCES, 1):
        meta = {"lastUpdated": timestamp(connection.created_at)}
        resource = {"resourceType": kind, "id": f"{prefix}-{number}", "meta": meta, **content}
        yield {"source": connection.connection_id, "resource": resource}


def _moment(text: str | None) -> datetime:
    try:
        moment = datetime.fromisoformat(text) if text else datetime(1, 1, 1, tzinfo=UTC)
    except ValueError as error:
        raise invalid_request("since is not a moment. Send it as ISO 8601.", "since") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
