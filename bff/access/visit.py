"""A request, and what it has told of its sender so far: found out once, and kept while it is answered."""

from collections.abc import Callable

from bff.access.identity import Caller
from bff.access.owner import Owner
from bff.lean_flask import LeanRequest, this_request


class Visit(LeanRequest):
    """A request, and what the guard knows about it; None for what it has not asked yet."""

    owner: Owner | None = None  # as the browser will have it after this request
    came_with_cookie = False
    owner_changed = False
    identified = False
    caller: Caller | None = None
    would_deny = False


# Gives the visit that is going on.
visit: Callable[[], Visit] = this_request
