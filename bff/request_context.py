"""The current request with its id, its owner and its caller."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from flask import Request, request

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from bff.access.cookies import LastPatient, Owner
    from bff.access.identity.base import Caller
    from bff.translations import Language


# A client may send any other word.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestContext(Request):
    """A request and its context. `BrowserOwner` sets `owner`, and `Guard` sets `caller`, when first needed.

    `started` is when the request began, in `time.perf_counter()`. `names_sent` maps each field's name to its
    spelling in the request body, once the body is parsed. `reserved_at` is when `RateLimits` counted what
    the response may turn out to be, in `time.monotonic()`: a conflict, or a missing file. `missed` means that
    a default is served instead of what was asked for.

    This is not on `flask.g`, which outlives the request if an embedding app keeps an app context open: the
    next request would have this one's caller.
    """

    request_id = ""
    started = 0.0
    names_sent: Mapping[str, str] = MappingProxyType({})
    reserved_at: float | None = None
    missed = False

    owner: "Owner | None" = None  # as it will be after this request
    came_with_cookie = False
    owner_changed = False
    mark: str | None = None  # of a patient that this request creates: from its form or its `Idempotency-Key`
    language: "Language | None" = None
    last_patient: "LastPatient | None" = None  # for the patient cookie
    forget = False
    error_code: str | None = None  # of the error that was reported
    span: "Span | None" = None  # of this request, if traces are on
    trace_id: str | None = None
    identified = False
    caller: "Caller | None" = None

    @property
    def route(self) -> str:
        """The rule of the request, such as /api/patients/<patient_id>: the path would contain the id."""
        return self.url_rule.rule if self.url_rule else "none"

    @property
    def known_method(self) -> str:
        """The method, or `_OTHER` for one that HTTP does not define or that no route has."""
        return self.method if self.method in _METHODS else "_OTHER"


# Returns the current request. Raises RuntimeError where there is none.
request_context: Callable[[], RequestContext] = request._get_current_object  # type: ignore[attr-defined]  # Flask types its proxy as a Request
