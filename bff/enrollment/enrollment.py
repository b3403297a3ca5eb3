"""The rules of enrollment: create and read patients, and start and read their sessions.

There is no HTTP here. Methods take grants, which `Guard` returns for a request.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from bff.access.browser_owner import BrowserOwner
from bff.access.guard import Guard
from bff.audit import Audit
from bff.config import Settings
from bff.enrollment.calls import ApiResponse, GrantedCalls
from bff.enrollment.creation import create_once
from bff.enrollment.return_urls import ReturnUrls
from bff.errors import NotFound
from bff.medblocks.deadline import Within, within
from bff.medblocks.errors import BadResponse, Conflict, ErrorDetails
from bff.medblocks.grants import Grant, SessionGrant
from bff.medblocks.ids import is_connection_id
from bff.medblocks.single_flight import SingleFlight

_DOUBLE_CLICK_SECONDS = 10.0
_RECENT_SECONDS = 10.0


class Enrollment:
    """Calls Medblocks for patients and sessions, keeps what the browser owns, and writes the audit trail.

    `within` is the context manager that sets a request's deadline. Each method may raise any MedblocksError.
    """

    def __init__(
        self,
        calls: GrantedCalls,
        guard: Guard,
        browser: BrowserOwner,
        return_urls: ReturnUrls,
        settings: Settings,
        audit: Audit,
        within: Within = within,
    ) -> None:
        self._calls = calls
        self._guard = guard
        self._browser = browser
        self.return_urls = return_urls
        self._settings = settings
        self._audit = audit
        self._within = within
        self._reads: SingleFlight[ApiResponse] = SingleFlight()
        self._recent: SingleFlight[ApiResponse] = SingleFlight(keep=_RECENT_SECONDS)
        self._starts: SingleFlight[ApiResponse] = SingleFlight(keep=_DOUBLE_CLICK_SECONDS)

    def create_patient(self, grant: Grant, details: Mapping[str, Any]) -> ApiResponse:
        """Create a patient exactly once, and add it to the browser's cookie.

        `details` are optional: `email`, `name` and `metadata`. Raise Conflict if the id is taken, or if the
        patient exists with other details; this grants nothing.
        """
        metadata = {"signup_source": self._settings.signup_source, **details.get("metadata", {})}
        details = {**details, "metadata": metadata}
        self._browser.keep_owner()
        with self._within(self._settings.write_seconds):
            answer = self._audited("create", grant, partial(create_once, self._calls, grant, details))
        self._browser.add_patient(grant)
        return answer

    def read_patient(self, grant: Grant) -> ApiResponse:
        """Return a patient with all connections. Simultaneous reads by one owner share one call."""
        call = partial(self._calls.read_patient, grant)
        with self._within(self._settings.read_seconds):
            return self._audited("read", grant, partial(self._reads.run, grant, "read patient", call))

    def disconnect(self, grant: Grant, connection_id: str) -> ApiResponse:
        """Revoke a connection of a patient. Raise NotFound if the patient does not have it."""
        if not is_connection_id(connection_id):
            raise NotFound("connection")
        with self._within(self._settings.write_seconds):
            return self._audited("disconnect", grant, partial(self._calls.disconnect, grant, connection_id))

    def start_session(
        self,
        grant: Grant,
        session: Mapping[str, Any],
        details: Mapping[str, Any] | None = None,
        *,
        once: str | None = None,
        host: str = "",
    ) -> ApiResponse:
        """Start a session, and add it to the browser's cookie.

        `session` has the documented fields, such as `return_url`; all are optional. A patient that the caller
        does not own is created first, because Medblocks' session start would update any patient with this id.
        For a patient that the caller owns, the start updates `email` and `name` with those in `details`.

        `once` is the id of a form as shown to the user. A second equal start for it within seconds is a
        double click, and returns the first one's session. `host` is the request's, for the default return
        URL.

        Raise InvalidInput if the return URL is not allowed, and Conflict if the id is taken or the patient
        exists with other details. Then nothing is started or updated.
        """
        details = details or {}
        session = {**session, "return_url": self.return_urls.check(session.get("return_url"), host)}
        if self._settings.session_seconds:
            session["expires_in"] = self._settings.session_seconds
        # `grant.owned` is not part of it: a second click may already have the first one's cookie.
        click = _digest([grant.owner_tag, once, session, details]) if once else None
        with self._within(self._settings.write_seconds):
            if grant.owned:
                session |= {f"patient_{name}": value for name, value in details.items()}
            else:
                self._create_first(grant, details)
            answer = self._audited("session start", grant, partial(self._start, grant, session, click))
        self._browser.add_session(answer.body["id"], grant)
        return answer

    def _start(self, grant: Grant, session: Mapping[str, Any], click: str | None) -> ApiResponse:
        call = partial(self._calls.start_patient_session, grant, session)
        return self._starts.run(click, "start session", call) if click else call()

    def _create_first(self, grant: Grant, details: Mapping[str, Any]) -> None:
        try:
            self.create_patient(grant, details)
        except Conflict:
            if not self._guard.reports_conflict(grant):
                raise

    def read_session(
        self, grant: SessionGrant, event: str = "session read", *, recent: bool = False
    ) -> ApiResponse:
        """Return a session that the caller started. Simultaneous reads share one call.

        `event` names it in the audit trail. With `recent`, the result of such a read in the last seconds
        will do: a search while typing would otherwise read the session for every letter.

        If the session's patient is not the caller's, raise BadResponse, or NotFound if newer patients may
        have displaced it from the browser's cookie.
        """
        with self._within(self._settings.read_seconds), self._audit.trail(event, actor=grant.owner) as entry:
            reads = self._recent if recent else self._reads
            answer = reads.run(grant, "read session", lambda: self._calls.read_patient_session(grant))
            entry.patient_id, entry.upstream_request_id = answer.body["patient_id"], answer.request_id
            if not self._guard.may_read(answer.body["patient_id"]):
                if self._browser.may_have_dropped_patients():
                    raise NotFound("patient session")
                details = ErrorDetails(request_id=answer.request_id)
                raise BadResponse("read session", details, "another patient than the caller's")
        return answer

    def _audited(self, event: str, grant: Grant, call: Callable[[], ApiResponse]) -> ApiResponse:
        """Return the response of a call, and write the event to the audit trail, also if the call fails."""
        with self._audit.trail(event, actor=grant.owner, patient_id=grant.patient_id) as entry:
            answer = call()
            entry.upstream_request_id = answer.request_id
        return answer


def _digest(value: object) -> str:
    """Return a hash, so that no personal data stays in memory."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
