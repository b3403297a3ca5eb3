"""Authorizes every call about one patient: returns a grant, or raises.

A denied read gets the same 404 as one for a patient that does not exist, and Medblocks is not called.
"""

import logging

from flask import Response, after_this_request

from bff.access.browser_owner import BrowserOwner
from bff.access.identity.base import Caller, IdentityProvider
from bff.access.keys import Keys
from bff.audit import Audit
from bff.errors import InvalidCredential, NotFound, Unauthenticated, UnusableLogin
from bff.logs import Fields
from bff.medblocks.grants import Grant, SessionGrant
from bff.medblocks.ids import is_session_id, patient_id_problem
from bff.request_context import request_context

log = logging.getLogger("bff.access")


class Guard:
    """Identifies the caller of the current request, and grants what that caller owns.

    With `report_only`, requests are not denied. Each that would be is reported: in a response header and in
    the audit trail.

    Methods that need a caller raise Unauthenticated if the request has no credential and the identity
    provider requires one, and InvalidCredential, UnusableLogin or IdentityUnavailable if the credential can't
    be accepted.
    """

    def __init__(
        self,
        keys: Keys,
        browser: BrowserOwner,
        identify: IdentityProvider,
        audit: Audit,
        *,
        report_only: bool,
    ) -> None:
        self._keys = keys
        self._browser = browser
        self._identify = identify
        self._audit = audit
        self.report_only = report_only
        self._causes: set[str] = set()  # of unusable logins, which the log has

    def patient(self, patient_id: str) -> Grant:
        """Grant a patient that the caller owns. Raise NotFound for any other."""
        if patient_id_problem(patient_id):
            raise NotFound("patient")
        grant = self._grant(patient_id)
        if not grant.owned:
            self._deny("patient", grant.owner, patient_id)
        return grant

    def enrollment(self, patient_id: str) -> Grant:
        """Grant the creation of a patient with this valid id, or the patient if the caller owns it already.

        Raise NotFound for an id that the caller may not create.
        """
        grant, caller = self._grant(patient_id), self._caller()
        if not grant.owned and not (caller and caller.may_enroll):
            self._deny("patient", grant.owner, patient_id)
        return grant

    def invitation(self, patient_id: str) -> Grant:
        """Grant the patient of a valid invite to this browser; `owned` once it has accepted the invite."""
        return self._browser_grant(patient_id)

    def session(self, patient_session_id: str) -> SessionGrant:
        """Grant a session that the caller started in this browser. Raise NotFound for any other."""
        if not is_session_id(patient_session_id):
            raise NotFound("patient session")
        caller, owner = self._caller(), self._browser.owner()
        name = (caller and caller.owner) or owner.name
        if not self._browser.has_session(patient_session_id, name):
            self._deny("patient session", name)
        return SessionGrant(patient_session_id, name)

    def may_read(self, patient_id: str) -> bool:
        """Return whether the caller owns the patient, or access is only reported."""
        return self.report_only or self._grant(patient_id).owned

    def reports_conflict(self, grant: Grant) -> bool:
        """Return False if access is enforced; else report that the caller uses another owner's patient."""
        if self.report_only:
            self._report(grant.owner, grant.patient_id)
        return self.report_only

    def own_patient_id(self) -> str | None:
        """Return the patient id in the caller's login, or None if it has none."""
        caller = self._caller()
        return caller.patient_id if caller else None

    def invited_patient_id(self) -> str | None:
        """Return the id of the patient that this browser used last, if by an invite; else None."""
        caller, last = self._caller(), self._browser.last_patient()
        if last is None or not (last.invited or (caller and not caller.may_enroll)):
            return None
        return last.patient_id if self._grant(last.patient_id).owned else None

    def current_patient(self) -> Grant | None:
        """Grant the patient of the caller's login, or the one that its browser owns and used last."""
        last = self._browser.last_patient()
        patient_id = self.own_patient_id() or (last and last.patient_id)
        grant = self._grant(patient_id) if patient_id else None
        return grant if grant and grant.owned else None

    def may_choose_id(self) -> bool:
        """Return whether the caller chooses its patients' ids: it has no login and needs no invite."""
        caller = self._caller()
        return caller is None or (caller.patient_id is None and caller.may_enroll)

    def _caller(self) -> Caller | None:
        context = request_context()
        if not context.identified:
            try:
                context.caller = self._identify(context)
            except (InvalidCredential, UnusableLogin) as error:
                self._audit.record("access", "credential refused")
                if isinstance(error, UnusableLogin):
                    self._log_once(str(error))
                raise
            context.identified = True
        if context.caller is None and not self.report_only:
            self._audit.record("access", "not signed in")
            raise Unauthenticated
        return context.caller

    def _log_once(self, cause: str) -> None:
        # Every visitor can have the same problem, so once: causes have no values, so there are only a few.
        if cause not in self._causes:
            self._causes.add(cause)
            text = f"a login can't be used: {cause}"
            log.error(Fields(message=text, request_id=request_context().request_id))

    def _grant(self, patient_id: str) -> Grant:
        caller = self._caller()
        if caller is None or caller.owner is None:
            return self._browser_grant(patient_id)
        tags = self._keys.tags("patient", caller.owner, patient_id)
        return Grant(patient_id, caller.owner, tags[0], caller.patient_id == patient_id, tags[1:])

    def _browser_grant(self, patient_id: str) -> Grant:
        tags, owned = self._browser.patient_tags(patient_id), self._browser.owns(patient_id)
        return Grant(patient_id, self._browser.name(), tags[0], owned, tags[1:])

    def _deny(self, what: str, owner: str, patient_id: str | None = None) -> None:
        if self.report_only:
            self._report(owner, patient_id)
            return
        self._audit.record("access", "denied", actor=owner, patient_id=patient_id)
        raise NotFound(what)

    def _report(self, owner: str, patient_id: str | None) -> None:
        self._audit.record("access", "would deny", actor=owner, patient_id=patient_id)
        after_this_request(_add_header)


def _add_header(response: Response) -> Response:
    response.headers["BFF-Access-Report"] = "would-deny"
    return response
