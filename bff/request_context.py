"""The current request, with what this product keeps about it: its id, and who sent it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from flask import Request, request

if TYPE_CHECKING:
    from bff.access.identity.base import Caller
    from bff.access.owner_cookie import Owner


class RequestContext(Request):
    """A request and its context; `owner` is None until `BrowserOwner` reads it, `caller` until `Guard` does.

    `started` is the `time.perf_counter()` at which the request began. `names_sent` has the spelling in the
    body of each field's own name, once the body is read.

    It is not on `flask.g`, which outlives the request where an embedding app keeps an app context open: the
    next caller would be taken for this one.
    """

    request_id = ""
    started = 0.0
    names_sent: Mapping[str, str] = MappingProxyType({})

    owner: "Owner | None" = None  # as it will be after this request
    came_with_cookie = False
    owner_changed = False
    identified = False
    caller: "Caller | None" = None


def request_context() -> RequestContext:
    """Return the current request. Raise RuntimeError where there is none."""
    context: RequestContext = request._get_current_object()  # type: ignore[attr-defined]  # Flask types its proxy as a Request
    return context
