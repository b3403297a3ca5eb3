"""The owner of the browser that sent the current request: read from its cookie, changed, and written back."""

from base64 import urlsafe_b64decode
from uuid import UUID

from flask import Response

from bff.access.idempotency import first_owner_name
from bff.access.keys import Keys
from bff.access.owner_cookie import Owner, OwnerCookie, new_owner
from bff.medblocks.grants import Grant
from bff.request_context import RequestContext, request_context


class BrowserOwner:
    """Tracks what the current request's browser owns, and decides nothing about access: `Guard` does.

    A request's cookie is read when it is first needed, and written only if something changed. Everything is
    kept on the request's context; methods without a `context` argument use the current one.
    """

    def __init__(self, keys: Keys, cookie: OwnerCookie) -> None:
        self._keys = keys
        self._cookie = cookie

    def known_owner(self, context: RequestContext) -> Owner | None:
        """Return the owner if the request has a valid cookie, else None. Does not read the body."""
        if context.owner is None and (known := self._cookie.read(context)):
            context.owner, context.came_with_cookie = known, True
        return context.owner if context.came_with_cookie else None

    def owner_of(self, context: RequestContext) -> Owner:
        """Return the owner as it will be after the request; a new one for a browser without a cookie.

        Reads the body of a request with an `Idempotency-Key` but no cookie. Raise werkzeug's HTTPException if
        it can't be read.
        """
        owner = context.owner or self.known_owner(context)
        if owner is None:
            owner = context.owner = new_owner(first_owner_name(self._keys, context))
        return owner

    def owner(self) -> Owner:
        """Return the owner of the current request; see `owner_of`."""
        return self.owner_of(request_context())

    def keep_owner(self) -> Owner:
        """Return the owner, and write its cookie if the browser has none, so that it returns as the same."""
        context = request_context()
        owner = self.owner_of(context)
        if not context.came_with_cookie:
            context.owner_changed = True
        return owner

    def add_patient(self, grant: Grant) -> None:
        """Add the patient to the browser's cookie."""
        self._change(self.owner().with_patient(grant.owner_tag))

    def add_session(self, patient_session_id: str, caller: str) -> None:
        """Add a session that this caller started in this browser to the cookie."""
        owner = self.owner()
        self._change(owner.with_session(self._session_tag(owner, patient_session_id, caller)))

    def has_session(self, patient_session_id: str, caller: str) -> bool:
        """Return whether this caller started the session in this browser."""
        owner = self.owner()
        return self._session_tag(owner, patient_session_id, caller) in owner.sessions

    def derive_patient_id(self, name: str, email: str) -> str:
        """Return the id of a person without one: always the same in this browser, another in any other."""
        tag = self._keys.tag("patient id", self.owner().name, name, email)
        return str(UUID(bytes=urlsafe_b64decode(f"{tag}==")))

    def write_cookie(self, context: RequestContext, response: Response) -> None:
        """Set the cookie if the owner changed; not with a 409, which grants nothing."""
        if context.owner_changed and response.status_code != 409:
            self._cookie.write(response, self.owner_of(context))

    def _change(self, owner: Owner) -> None:
        context = request_context()
        context.owner, context.owner_changed = owner, True

    def _session_tag(self, owner: Owner, patient_session_id: str, caller: str) -> str:
        # The browser alone is not enough: another person may sign in there next.
        return self._keys.tag("session", owner.name, caller, patient_session_id)
