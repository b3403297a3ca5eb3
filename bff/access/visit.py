"""What one request has told of its sender so far: found out once, and kept while it is answered."""

from dataclasses import dataclass
from typing import cast

from flask import Request, g, request
from werkzeug.local import LocalProxy

from bff.access.identity import Caller
from bff.access.owner import Owner


@dataclass(slots=True)
class Visit:
    """The request, and what the guard knows about it; None for what it has not asked yet."""

    request: Request
    owner: Owner | None = None  # as the browser will have it after this request
    came_with_cookie: bool = False
    owner_changed: bool = False
    identified: bool = False
    caller: Caller | None = None
    would_deny: bool = False


def visit() -> Visit:
    """Give the visit that is going on."""
    # Flask's own objects and not their proxies, through which each name is a look-up of its own.
    here = cast("LocalProxy[dict[str, Visit]]", g)._get_current_object()  # noqa: SLF001 - public, see Flask's docs
    asked = cast("LocalProxy[Request]", request)._get_current_object()  # noqa: SLF001 - the same
    found: Visit | None = here.get("visit")
    # Where somebody left an app context open, Flask uses its `g` for each request after another.
    if found is None or found.request is not asked:
        found = g.visit = Visit(asked)
    return found
