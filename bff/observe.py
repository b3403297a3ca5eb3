"""What the operator sees of each request: a request id, and one log line without names, ids or urls."""

import logging
import random
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Self

from flask import Request, Response, request

from bff.lines import Fields

log = logging.getLogger("bff.access")


class TracedRequest(Request):
    """A request with its id, and the `time.perf_counter()` at which its answer began.

    `names_sent` has the spelling in its body of each field's own name, once the body is read.
    """

    request_id = ""
    started = 0.0
    names_sent: Mapping[str, str] = MappingProxyType({})

    @property
    def itself(self) -> Self:
        """Return this request: `flask.request.itself` is no proxy, each use of which takes three calls."""
        return self


def traced_request() -> TracedRequest:
    """Return the current request. Raise RuntimeError where there is none."""
    itself: TracedRequest = request.itself  # type: ignore[attr-defined]  # the app's request_class has it
    return itself


def start(traced: TracedRequest) -> None:
    """Give a request its id."""
    traced.request_id = f"req_{random.getrandbits(96):024x}"
    traced.started = time.perf_counter()


def finish(traced: TracedRequest, response: Response) -> None:
    """Send the id with the response, and write a line about both."""
    response.headers["X-Request-Id"] = traced.request_id
    line = Fields(
        message="request",
        request_id=traced.request_id,
        method=traced.method,
        # The rule, such as /api/patients/<patient_id>: a path would carry the id.
        route=traced.url_rule.rule if traced.url_rule else "none",
        status=response.status_code,
        ms=round((time.perf_counter() - traced.started) * 1000, 1),
    )
    log.info(line)
