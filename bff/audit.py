"""The audit trail: who did what, with what outcome, under pseudonyms."""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from flask import has_request_context

from bff.logs import Fields
from bff.request_context import request_context

audit_log = logging.getLogger("bff.audit")


class Audit:
    """Writes the audit trail to the logger `bff.audit`.

    Takes a function that turns an actor or a patient id into a pseudonym: always the same one, and
    meaningless without the key. `on_record` gets each entry's event and outcome, to count them.
    """

    def __init__(
        self, pseudonym: Callable[[str, str], str], on_record: Callable[[str, str], None] | None = None
    ) -> None:
        self._pseudonym = pseudonym
        self._on_record = on_record

    def record(
        self,
        event: str,
        outcome: str,
        *,
        actor: str | None = None,
        patient_id: str | None = None,
        upstream_request_id: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Write one line. `details` must contain no personal data."""
        line = Fields(
            message="audit",
            event=event,
            outcome=outcome,
            actor=actor and self._pseudonym("actor", actor),
            patient=patient_id and self._pseudonym("patient", patient_id),
            request_id=request_context().request_id if has_request_context() else None,
            upstream_request_id=upstream_request_id,
        )
        if self._on_record:
            self._on_record(event, outcome)
        if details:
            line.update(details)
        audit_log.info(line)

    def trail(self, event: str, *, actor: str, patient_id: str | None = None) -> "Entry":
        """Return a context manager that writes a line when its block ends: `ok`, or the exception's name."""
        return Entry(self, event, actor, patient_id)


class Entry(AbstractContextManager["Entry"]):
    """An event in progress; its block may set `patient_id` and `upstream_request_id`."""

    def __init__(self, audit: Audit, event: str, actor: str, patient_id: str | None) -> None:
        self._audit = audit
        self._event = event
        self._actor = actor
        self.patient_id = patient_id
        self.upstream_request_id: str | None = None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is not None:
            # Medblocks' errors have one.
            self.upstream_request_id = getattr(error, "request_id", self.upstream_request_id)
        self._audit.record(
            self._event,
            "ok" if kind is None else kind.__name__,
            actor=self._actor,
            patient_id=self.patient_id,
            upstream_request_id=self.upstream_request_id,
        )
