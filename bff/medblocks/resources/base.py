"""The base of the resources: one call with its deadline, and the rows of all pages."""

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

from bff.medblocks import deadline, ids
from bff.medblocks.errors import BadResponse, ErrorDetails, InvalidId
from bff.medblocks.replies import Shape, WrongShape
from bff.medblocks.transport import Transport

T = TypeVar("T")
MAX_PAGE = 100


class ResponseInfo(NamedTuple):
    """What a successful response had besides its body: its status, and Medblocks' id of the request."""

    status_code: int
    request_id: str | None


last_response: ContextVar[ResponseInfo | None] = ContextVar("last_response", default=None)


class Resource:
    """A group of calls. Takes the transport, and how many seconds each method may take, retries included."""

    def __init__(self, transport: Transport, timeout: float) -> None:
        self._transport = transport
        self._timeout = timeout

    def _call(
        self,
        shape: Shape[T],
        operation: str,
        method: str,
        *segments: str,
        json: Mapping[str, Any] | None = None,
        query: Mapping[str, object] | None = None,
        instead_of_204: T | None = None,
    ) -> T:
        """Return the checked body of a response.

        `segments` are those of the path. Values of `query` that are None are left out. `instead_of_204` is
        the body to return for an empty response. Raise any MedblocksError.
        """
        try:
            path = ids.path(*segments)
        except ValueError:
            # `from None`: the cause may contain a part of the id.
            details = ErrorDetails(code="invalid_request", param="id")
            raise InvalidId(operation, details, "an id must not be empty, . or ..", sent=False) from None
        texts = {name: str(value) for name, value in query.items() if value is not None} if query else None
        with deadline.from_now(self._timeout):
            reply = self._transport.request(operation, method, path, json=json, query=texts)
        request_id = reply.request_id
        last_response.set(ResponseInfo(reply.status, request_id))
        if reply.status == HTTPStatus.NO_CONTENT and instead_of_204 is not None:
            return instead_of_204
        try:
            return shape.read(reply.body)
        except WrongShape as problem:
            wrong = BadResponse(operation, ErrorDetails(request_id=request_id), f"wrong shape at {problem}")
            wrong.outcome_unknown = method != "GET"
            raise wrong from None


def given(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not None: those that the caller gave."""
    return {name: value for name, value in fields.items() if value is not None}


def all_rows(fetch: Callable[..., Any]) -> Iterator[Any]:
    """Yield the rows of all pages; `fetch` takes the cursor of a page as `starting_after`.

    Raise BadResponse if a cursor leads back to itself.
    """
    starting_after = None
    while True:
        page = fetch(starting_after=starting_after)
        yield from page["data"]
        cursor = page["next_cursor"]
        if not page["has_more"] or not cursor:
            return
        if cursor == starting_after:
            raise BadResponse("list", detail="the next page has the same cursor")
        starting_after = cursor
