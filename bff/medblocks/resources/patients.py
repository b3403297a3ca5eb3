"""Patients: `Medblocks(…).patients`."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import date, datetime
from functools import partial
from typing import Any, Final, Literal, overload

from bff.medblocks import deadline, models
from bff.medblocks.replies import Shape
from bff.medblocks.resources.base import MAX_PAGE, Resource, all_rows, given
from bff.medblocks.resources.connections import Connections
from bff.medblocks.transport import Transport

_PATIENT, _DETAIL = Shape(models.Patient), Shape(models.PatientDetail)
_PATIENT_PAGE, _SESSION_PAGE = Shape(models.PatientPage), Shape(models.PatientSessionPage)
_RECORD_PAGE = Shape(models.RecordPage)
_DISCONNECTED, _DELETED = Shape(models.Disconnected), Shape(models.Deleted)

_MAX_THREADS = 8


class Unchanged:
    """The type of UNCHANGED, which stands for a field that an update keeps."""


UNCHANGED: Final = Unchanged()


class Patients(Resource):
    """The patients of your organization. Every method may raise any MedblocksError."""

    def __init__(self, transport: Transport, timeout: float, connections: Connections) -> None:
        super().__init__(transport, timeout)
        self._connections = connections

    def create(
        self,
        *,
        patient_id: str,
        email: str | None = None,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> models.Patient:
        """Create a patient. Raise Conflict if the id is taken.

        `extra_body` has fields of the API that this version of the client does not know.
        """
        fields = given(patient_id=patient_id, email=email, name=name, metadata=metadata)
        return self._call(
            _PATIENT, "create patient", "POST", "patients", json={**(extra_body or {}), **fields}
        )

    def retrieve(self, patient_id: str) -> models.PatientDetail:
        """Return a patient with all connections, failed attempts included. Raise NotFound."""
        return self._call(_DETAIL, "read patient", "GET", "patients", patient_id)

    @overload
    def get_connections(
        self, patient_id: str, *, hydrate: Literal[False] = False
    ) -> Sequence[models.Connection]: ...
    @overload
    def get_connections(self, patient_id: str, *, hydrate: Literal[True]) -> Sequence[models.Facility]: ...
    def get_connections(
        self, patient_id: str, *, hydrate: bool = False
    ) -> Sequence[models.Connection] | Sequence[models.Facility]:
        """Return a patient's connections, newest first, failed attempts included.

        With `hydrate`, return their facilities instead, as the catalog has them: `id` is `fhirsrc_…`.
        Connections whose authorization failed are left out then, since they carry no data. Each facility is
        looked up once, and all of them concurrently; `timeout` limits all calls together. Raise NotFound.
        """
        with deadline.from_now(self._timeout):
            connections = self.retrieve(patient_id)["connections"]
            if not hydrate:
                return connections
            wanted = [row["connection_id"] for row in connections if row["status"] != "failed"]
            facilities = self._facilities(list(dict.fromkeys(wanted)))
        return [facilities[facility_id].copy() for facility_id in wanted]

    def _facilities(self, ids: Sequence[str]) -> Mapping[str, models.Facility]:
        if len(ids) < 2:
            return {id_: self._connections.retrieve(id_) for id_ in ids}
        with ThreadPoolExecutor(min(len(ids), _MAX_THREADS), thread_name_prefix="medblocks") as pool:
            # The context carries the deadline into the threads.
            calls = [pool.submit(copy_context().run, self._connections.retrieve, id_) for id_ in ids]
            return dict(zip(ids, [call.result() for call in calls], strict=True))

    def list(
        self,
        *,
        patient_id: str | None = None,
        email: str | None = None,
        limit: int | None = None,
        starting_after: str | None = None,
    ) -> models.PatientPage:
        """Return a page of patients, optionally those with exactly this id or email address."""
        query = {"patient_id": patient_id, "email": email, "limit": limit, "starting_after": starting_after}
        return self._call(_PATIENT_PAGE, "list patients", "GET", "patients", query=query)

    def iter_all(
        self, *, patient_id: str | None = None, email: str | None = None, limit: int = MAX_PAGE
    ) -> Iterator[models.Patient]:
        """Yield the patients of all pages, which are read when they are needed, `limit` patients each."""
        return all_rows(partial(self.list, patient_id=patient_id, email=email, limit=limit))

    def update(
        self,
        patient_id: str,
        *,
        email: str | Unchanged | None = UNCHANGED,
        name: str | Unchanged | None = UNCHANGED,
        metadata: Mapping[str, Any] | Unchanged = UNCHANGED,
        replace: bool = False,
    ) -> models.Patient:
        """Change a patient, and keep what is not given. Raise NotFound.

        None clears the email or the name. The keys of `metadata` are added to the patient's own, which
        include the owner tag of the BFF (`bff_owner`). Medblocks can only replace a whole patient, so the
        patient is read first; of two updates at the same moment, the later one wins.

        With `replace`, nothing is read, and what is not given is cleared.
        """
        changes: dict[str, Any] = {"email": email, "name": name, "metadata": metadata}
        body = {field: value for field, value in changes.items() if not isinstance(value, Unchanged)}
        with deadline.from_now(self._timeout):
            if not replace:
                found = self.retrieve(patient_id)
                body = {"email": found["email"], "name": found["name"], **body}
                body["metadata"] = {**found["metadata"], **body.get("metadata", {})}
            body["patient_id"] = patient_id
            return self._call(_PATIENT, "update patient", "PUT", "patients", patient_id, json=body)

    def delete(self, patient_id: str) -> models.Deleted:
        """Remove a patient and its connections for good. Raise NotFound."""
        done = models.Deleted(id=patient_id, resource_type="patient", deleted=True)
        return self._call(_DELETED, "delete patient", "DELETE", "patients", patient_id, instead_of_204=done)

    def disconnect_connection(self, patient_id: str, connection_id: str) -> models.Disconnected:
        """Revoke one of a patient's connections, `conn_…`. Raise NotFound."""
        done = models.Disconnected(id=connection_id, resource_type="connection", disconnected=True)
        path = ("patients", patient_id, "connections", connection_id)
        return self._call(_DISCONNECTED, "disconnect", "DELETE", *path, instead_of_204=done)

    def list_sessions(
        self,
        patient_id: str,
        *,
        status: str | None = None,
        limit: int | None = None,
        starting_after: str | None = None,
    ) -> models.PatientSessionPage:
        """Return a page of a patient's sessions, optionally the `open`, `complete` or `expired` ones."""
        query = {"status": status, "limit": limit, "starting_after": starting_after}
        path = ("patients", patient_id, "patient-sessions")
        return self._call(_SESSION_PAGE, "list sessions", "GET", *path, query=query)

    def iter_sessions(
        self, patient_id: str, *, status: str | None = None, limit: int = MAX_PAGE
    ) -> Iterator[models.PatientSession]:
        """Yield the sessions of all pages, which are read when they are needed, `limit` sessions each."""
        return all_rows(partial(self.list_sessions, patient_id, status=status, limit=limit))

    def records(
        self,
        patient_id: str,
        *,
        type: str | Sequence[str] | None = None,  # noqa: A002 - the API's name
        since: str | date | None = None,
        count: int | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
    ) -> models.RecordPage:
        """Return a page of a patient's records, which are FHIR resources.

        `type` has one or more resource types, such as `Observation`. `since` is an ISO 8601 text, a date, or
        a datetime with a time zone. `count` is 1 to 100; without it, Medblocks returns 100.
        """
        query = {
            "type": type if type is None or isinstance(type, str) else ",".join(type),
            "since": _iso(since) if isinstance(since, date) else since,
            "count": count,
            "starting_after": starting_after,
            "ending_before": ending_before,
        }
        return self._call(_RECORD_PAGE, "list records", "GET", "patients", patient_id, "records", query=query)

    def iter_records(
        self,
        patient_id: str,
        *,
        type: str | Sequence[str] | None = None,  # noqa: A002 - the API's name
        since: str | date | None = None,
        count: int = MAX_PAGE,
    ) -> Iterator[models.Record]:
        """Yield the records of all pages, which are read when they are needed, `count` records each."""
        return all_rows(partial(self.records, patient_id, type=type, since=since, count=count))


def _iso(moment: date) -> str:
    if isinstance(moment, datetime) and moment.tzinfo is None:
        raise ValueError("`since` needs a time zone, such as datetime.now(UTC) has")
    return moment.isoformat()
