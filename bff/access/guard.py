"""The guard: every call about one patient goes through here, and gets a grant or ends.

Whatever is denied looks like what does not exist: the same 404, and nothing is asked upstream.
"""

from base64 import urlsafe_b64decode
from uuid import UUID

from flask import Response

from bff.access.idempotency import first_owner_name
from bff.access.identity.base import Caller, IdentityProvider
from bff.access.keys import Keys
from bff.access.owner_cookie import Owner, OwnerCookie, new_owner
from bff.audit import Audit
from bff.errors import InvalidCredential, NotFound, Unauthenticated
from bff.medblocks.grants import Grant, SessionGrant
from bff.medblocks.ids import is_session_id, patient_id_problem
from bff.request_context import RequestContext, request_context


class Guard:
    """Decides by who is calling, and by what that caller owns.

    With `report`, it answers what it would have denied, and says so in a header, the log and the pages.
    """

    def __init__(
        self, keys: Keys, cookie: OwnerCookie, provider: IdentityProvider, audit: Audit, *, report: bool
    ) -> None:
        self._keys = keys
        self._cookie = cookie
        self._provider = provider
        self._audit = audit
        self._report = report

    def finish(self, here: RequestContext, response: Response) -> None:
        """Set the owner cookie where what the browser owns has changed, and report what was not denied."""
        # A conflict grants nothing, not even a name for a browser that has no cookie yet.
        if here.owner_changed and response.status_code != 409:
            self._cookie.write(response, self._owner(here))
        if here.would_deny:
            response.headers["BFF-Access-Report"] = "would-deny"

    def patient(self, patient_id: str) -> Grant:
        """Grant a patient that the caller owns. Raises NotFound, or Unauthenticated."""
        if patient_id_problem(patient_id):
            raise NotFound("patient")
        grant = self._grant(patient_id)
        if not grant.owned:
            self._deny("patient", grant.owner, patient_id)
        return grant

    def enrollment(self, patient_id: str) -> Grant:
        """Grant the creation of a patient, whose id was checked, or the patient that is owned already.

        Raises NotFound for an id that is not the caller's to create, or Unauthenticated.
        """
        caller, grant = self._caller(request_context()), self._grant(patient_id)
        if not grant.owned and not (caller and caller.may_enroll):
            self._deny("patient", grant.owner, patient_id)
        return grant

    def session(self, patient_session_id: str) -> SessionGrant:
        """Grant a session that this browser started. Raises NotFound, or Unauthenticated."""
        if not is_session_id(patient_session_id):
            raise NotFound("patient session")
        name = self._name()
        if self._session_tag(patient_session_id) not in self.owner().sessions:
            self._deny("patient session", name, None)
        return SessionGrant(patient_session_id, name)

    def remember_patient(self, grant: Grant) -> None:
        """Let this browser own a patient from now on."""
        self._change_owner(self.owner().with_patient(grant.owner_tag))

    def remember_session(self, patient_session_id: str) -> None:
        """Let this browser come back to a session that it started."""
        self._change_owner(self.owner().with_session(self._session_tag(patient_session_id)))

    def accept_invite(self, patient_id: str) -> None:
        """Let this browser own the patient that it was invited for."""
        tag = self._keys.tag("patient", self.owner().name, patient_id)
        self._change_owner(self.owner().with_patient(tag))

    def accepted(self, patient_id: str) -> bool:
        """Tell whether this browser has accepted an invite for a patient, whatever access is."""
        return self._keys.tag("patient", self.owner().name, patient_id) in self.owner().patients

    def owns(self, patient_id: str) -> bool:
        """Tell whether a patient is the caller's, or access is only reported."""
        return self._report or self._grant(patient_id).owned

    def overlooks(self, grant: Grant) -> bool:
        """Tell whether access is only reported; then report that this patient is somebody else's."""
        if self._report:
            self._deny("patient", grant.owner, grant.patient_id)
        return self._report

    def report_only(self) -> bool:
        """Tell whether access is only reported, which the pages have to say."""
        return self._report

    def own_patient_id(self) -> str | None:
        """Give the patient id that a login vouches for, where one does. Raises Unauthenticated."""
        caller = self._caller(request_context())
        return caller.patient_id if caller else None

    def may_choose_id(self) -> bool:
        """Tell whether the caller names its patient itself: no login does, and no invite.

        Raises Unauthenticated.
        """
        caller = self._caller(request_context())
        return caller is None or (caller.patient_id is None and caller.may_enroll)

    def derive_patient_id(self, *person: str) -> str:
        """Give the id that a person with these texts has with this caller: always the same, of no other."""
        tag = self._keys.tag("patient id", self._name(), *person)
        return str(UUID(bytes=urlsafe_b64decode(f"{tag}==")))

    def owner(self) -> Owner:
        """Give the browser's owner as it will be after this request; a new one when it has no cookie."""
        return self._owner(request_context())

    def known_owner(self, here: RequestContext) -> Owner | None:
        """Return the browser's owner where this request came with a good cookie, without reading its body."""
        if here.owner is None and (known := self._cookie.read(here)):
            here.owner, here.came_with_cookie = known, True
        return here.owner if here.came_with_cookie else None

    def keep_owner(self) -> Owner:
        """Return the browser's owner, and set its cookie if it has none, unless the answer is a conflict."""
        here = request_context()
        owner = self._owner(here)
        if not here.came_with_cookie:
            self._change_owner(owner)
        return owner

    def _change_owner(self, owner: Owner) -> None:
        here = request_context()
        here.owner, here.owner_changed = owner, True

    def _owner(self, here: RequestContext) -> Owner:
        owner = here.owner or self.known_owner(here)
        if owner is None:
            owner = here.owner = new_owner(first_owner_name(self._keys, here))
        return owner

    def _caller(self, here: RequestContext) -> Caller | None:
        if not here.identified:
            try:
                here.caller = self._provider.identify(here, self._owner(here))
            except InvalidCredential:
                self._audit.record("access", "credential refused")
                raise
            here.identified = True
        if here.caller is None and not self._report:
            self._audit.record("access", "not signed in")
            raise Unauthenticated
        return here.caller

    def _grant(self, patient_id: str) -> Grant:
        here = request_context()
        caller, owner = self._caller(here), self._owner(here)
        name = caller.owner if caller else owner.name
        tag = self._keys.tag("patient", name, patient_id)
        if caller and caller.patient_id is not None:
            owned = caller.patient_id == patient_id
        else:
            owned = tag in owner.patients
        return Grant(patient_id, name, tag, owned)

    def _name(self) -> str:
        here = request_context()
        caller = self._caller(here)
        return caller.owner if caller else self._owner(here).name

    def _session_tag(self, patient_session_id: str) -> str:
        # Of this browser and of who is signed in on it: the next login in the same browser is another caller.
        return self._keys.tag("session", self.owner().name, self._name(), patient_session_id)

    def _deny(self, what: str, owner: str, patient_id: str | None) -> None:
        outcome = "would deny" if self._report else "denied"
        self._audit.record("access", outcome, actor=owner, patient_id=patient_id)
        if not self._report:
            raise NotFound(what)
        request_context().would_deny = True
