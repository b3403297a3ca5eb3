"""The rules of enrollment: who may create and read which patient, and start which session.

No HTTP stands here: the guard has turned the request into grants before.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from bff.access.return_urls import ReturnUrls
from bff.medblocks.client import Answer, Medblocks
from bff.medblocks.errors import Conflict
from bff.medblocks.grants import Grant, SessionGrant
from bff.observe import Audit


class Ownership(Protocol):
    """Where it is kept who owns what."""

    def remember_patient(self, grant: Grant) -> None:
        """Let the caller own this patient from now on."""
        ...

    def remember_session(self, patient_session_id: str) -> None:
        """Let the caller come back to this session."""
        ...

    def overlooks(self, grant: Grant) -> bool:
        """Tell whether a patient of somebody else may be used all the same, and report it."""
        ...


class Enrollment:
    """Creates and reads patients and their sessions, and writes the audit trail.

    Takes the upstream, who owns what, the allowed return urls, the `signup_source` that new patients get,
    and the trail. Every method may raise any MedblocksError.
    """

    def __init__(
        self,
        medblocks: Medblocks,
        ownership: Ownership,
        return_urls: ReturnUrls,
        signup_source: str,
        audit: Audit,
    ) -> None:
        self._medblocks = medblocks
        self._ownership = ownership
        self.return_urls = return_urls
        self._signup_source = signup_source
        self._audit = audit

    def create_patient(self, grant: Grant, details: Mapping[str, Any]) -> Answer:
        """Create a patient from optional `email`, `name` and `metadata`. Raises Conflict for a taken id."""
        metadata = {"signup_source": self._signup_source, **details.get("metadata", {})}
        with self._audit.trail("create", actor=grant.owner, patient_id=grant.patient_id) as entry:
            answer = self._medblocks.create_patient(grant, {**details, "metadata": metadata})
            entry.upstream_request_id = answer.request_id
        self._ownership.remember_patient(grant)
        return answer

    def read_patient(self, grant: Grant) -> Answer:
        """Read a patient with all connections."""
        with self._audit.trail("read", actor=grant.owner, patient_id=grant.patient_id) as entry:
            answer = self._medblocks.read_patient(grant)
            entry.upstream_request_id = answer.request_id
        return answer

    def start_session(
        self, grant: Grant, session: Mapping[str, Any], details: Mapping[str, Any] | None = None
    ) -> Answer:
        """Start a session from optional `return_url`, `connection_id` or recommendations.

        A patient that the caller does not own is created first, since a session start would take over
        whoever has the id; for one that it owns, the `email` and `name` of `details` are updated.
        Raises InvalidInput for a return url that is not allowed, and Conflict for somebody else's id.
        """
        details = details or {}
        session = {**session, "return_url": self.return_urls.check(session.get("return_url"))}
        if grant.owned:
            session |= {f"patient_{name}": value for name, value in details.items()}
        else:
            self._create_first(grant, details)
        with self._audit.trail("session start", actor=grant.owner, patient_id=grant.patient_id) as entry:
            answer = self._medblocks.start_patient_session(grant, session)
            entry.upstream_request_id = answer.request_id
        self._ownership.remember_session(answer.body["id"])
        return answer

    def _create_first(self, grant: Grant, details: Mapping[str, Any]) -> None:
        try:
            self.create_patient(grant, details)
        except Conflict:
            if not self._ownership.overlooks(grant):
                raise

    def read_session(self, grant: SessionGrant, event: str = "session read") -> Answer:
        """Read a session that the caller started; the trail may call it a `return`."""
        with self._audit.trail(event, actor=grant.owner) as entry:
            answer = self._medblocks.read_patient_session(grant)
            entry.patient_id, entry.upstream_request_id = answer.body["patient_id"], answer.request_id
        return answer
