"""The owner of the current request's browser: read from its cookies, changed, and written back.

`bff/access/cookies.py` has the cookies themselves, and how long they last.
"""

import re
from base64 import urlsafe_b64decode
from uuid import UUID

from flask import Response

from bff.access.cookies import MAX_PATIENTS, LastPatient, Owner, OwnerCookie, PatientCookie, new_owner
from bff.access.idempotency import owner_name
from bff.access.keys import Keys, fingerprint
from bff.medblocks.grants import Grant
from bff.request_context import request_context

_FORM_ID = re.compile("[0-9a-f]{32}")


class BrowserOwner:
    """Tracks what the current request's browser owns, and decides nothing about access: `Guard` does.

    The cookie is read when it is first needed, and written only if something changed. Until then, everything
    is kept on the request's context.
    """

    def __init__(self, keys: Keys, cookie: OwnerCookie, patient_cookie: PatientCookie) -> None:
        self._keys = keys
        self._cookie = cookie
        self._patient_cookie = patient_cookie

    def known_owner(self) -> Owner | None:
        """Return the owner if the request has a valid cookie, else None. Does not read the body."""
        context = request_context()
        if context.owner is None and (known := self._cookie.read(context)):
            context.owner, context.came_with_cookie = known, True
        return context.owner if context.came_with_cookie else None

    def owner(self) -> Owner:
        """Return the owner as it will be after the request; a new one for a browser without a cookie.

        Reads the body of a request with an `Idempotency-Key` but no cookie. Raise werkzeug's HTTPException if
        it can't be read.
        """
        context = request_context()
        owner = context.owner or self.known_owner()
        if owner is None:
            owner = context.owner = new_owner(owner_name(context))
        return owner

    def owns_something(self) -> bool:
        """Return whether the browser has a cookie that owns a patient or a session."""
        owner = self.known_owner()
        return owner is not None and not owner.is_empty

    def keep_owner(self) -> Owner:
        """Return the owner, and write its cookie if the browser has none, so that it returns as the same."""
        owner, context = self.owner(), request_context()
        if not context.came_with_cookie:
            context.owner_changed = True
        return owner

    def mark_with_form(self, form_id: str) -> None:
        """Mark a patient of this request with the random id that its form was shown with, if it has one.

        A cookie that was copied before, and so has no such mark, opens nothing afterwards.
        """
        if _FORM_ID.fullmatch(form_id):
            owner = self.owner()
            request_context().mark = fingerprint("owner by form", owner.first_name or owner.name, form_id)

    def mark_with_key(self) -> None:
        """Mark a patient of this request with its `Idempotency-Key`, if it has one."""
        request_context().mark = owner_name(request_context())

    def name(self) -> str:
        """Return the name under which the cookie lists patients. The first patient's mark becomes it."""
        return self._renamed_owner().name

    def patient_tags(self, patient_id: str) -> tuple[str, ...]:
        """Return the tags that mark a patient of this request in Medblocks, the current one first."""
        return self._keys.tags("patient", request_context().mark or self.owner().name, patient_id)

    def owns(self, patient_id: str) -> bool:
        """Return whether the browser's cookie lists the patient, and move a tag there to a new secret."""
        owner = self._renamed_owner()
        tags = self._keys.tags("patient", owner.name, patient_id)
        if tags[0] in owner.patients:
            return True
        if owned := not set(tags).isdisjoint(owner.patients):
            self._change(owner.retagged(tags))
        return owned

    def add_patient(self, grant: Grant, *, invited: bool = False) -> None:
        """Add the patient to the browser's cookie, as the one used last; `invited` if by an invite."""
        tag = self._keys.tag("patient", grant.owner, grant.patient_id)
        self._change(self._renamed_owner().with_patient(tag))
        self._use(grant, invited=invited)

    def add_session(self, patient_session_id: str, grant: Grant) -> None:
        """Add a session that the grant's caller started in this browser to the cookie."""
        owner = self._renamed_owner()
        self._change(owner.with_session(self._session_tags(owner, patient_session_id, grant.owner)[0]))
        self._use(grant)

    def has_session(self, patient_session_id: str, caller: str) -> bool:
        """Return whether this caller started the session in this browser."""
        owner = self.owner()
        return not set(self._session_tags(owner, patient_session_id, caller)).isdisjoint(owner.sessions)

    def may_have_dropped_patients(self) -> bool:
        """Return whether the cookie is full, so that newer patients may have displaced older ones."""
        return len(self.owner().patients) == MAX_PATIENTS

    def last_patient(self) -> LastPatient | None:
        """Return the patient used last, or None. The browser may not own it (any more)."""
        return self._patient_cookie.read(request_context())

    def derive_patient_id(self, name: str, email: str) -> str:
        """Return the id of a person without one: always the same in this browser, another in any other."""
        parts = ("patient id", self.name(), name, email)
        # A new secret must not change the id. Ids of an earlier version had a key; this finds these patients.
        # Without the cache, which would keep the name and the email address in memory.
        tags = (fingerprint(*parts), *self._keys.compute_tags(*parts))
        ids = [str(UUID(bytes=urlsafe_b64decode(f"{tag}=="))) for tag in tags]
        return next((id_ for id_ in ids if self.owns(id_)), ids[0])

    def forget(self) -> None:
        """Delete the browser's cookies with the response."""
        request_context().forget = True

    def write_cookies(self, response: Response) -> None:
        """Set the cookies if the owner changed; not with a 409, which grants nothing."""
        context = request_context()
        if context.forget:
            self._cookie.delete(response)
            self._patient_cookie.delete(response)
        elif context.owner_changed and response.status_code != 409:
            self._cookie.write(response, self.owner())
            # Both end together, and move to a new secret together.
            if last := context.last_patient or self._patient_cookie.read(context):
                self._patient_cookie.write(response, last)

    def _renamed_owner(self) -> Owner:
        owner, mark = self.owner(), request_context().mark
        return owner.renamed(mark) if mark and owner.is_empty else owner

    def _change(self, owner: Owner) -> None:
        context = request_context()
        context.owner, context.owner_changed = owner, True

    def _use(self, grant: Grant, *, invited: bool = False) -> None:
        """Keep the patient as the one used last, unless a login identifies it."""
        if grant.owner == self.owner().name:
            known = self.last_patient() == LastPatient(grant.patient_id, invited=True)
            request_context().last_patient = LastPatient(grant.patient_id, invited=invited or known)

    def _session_tags(self, owner: Owner, patient_session_id: str, caller: str) -> tuple[str, ...]:
        # The browser alone is not enough: another person may sign in there next.
        return self._keys.tags("session", owner.name, caller, patient_session_id)
