"""A request, and what the guard has found out about its sender so far."""

from typing import TYPE_CHECKING

from bff.access.identity import Caller
from bff.access.owner import Owner
from bff.observe import TracedRequest, traced_request


class Visit(TracedRequest):
    """A request, and what the guard knows about it; None for what it has not looked for yet.

    It stands here and not on `flask.g`, which outlives the request where an embedding app keeps an app
    context open: the next caller would be taken for this one.
    """

    owner: Owner | None = None  # as the browser will have it after this request
    came_with_cookie = False
    owner_changed = False
    identified = False
    caller: Caller | None = None
    would_deny = False


if TYPE_CHECKING:

    def visit() -> Visit:
        """Return the current request. Raise RuntimeError where there is none."""
else:
    visit = traced_request
