"""The request log: an id for each request, and one line without names, patient ids or URLs."""

import logging
import random
import time

from flask import Response

from bff.logs import Fields
from bff.request_context import RequestContext, route_of

log = logging.getLogger("bff.access")


def start(context: RequestContext) -> None:
    """Set the request's id and start time."""
    context.request_id = f"req_{random.getrandbits(96):024x}"
    context.started = time.perf_counter()


def finish(context: RequestContext, response: Response) -> float:
    """Add the id to the response, and log the request. Return how many seconds it took."""
    seconds = time.perf_counter() - context.started
    response.headers["X-Request-Id"] = context.request_id
    line = Fields(
        message="request",
        request_id=context.request_id,
        method=context.method,
        route=route_of(context),
        status=response.status_code,
        ms=round(seconds * 1000, 1),
    )
    if context.trace_id:
        line["trace_id"] = context.trace_id
    log.info(line)
    return seconds
