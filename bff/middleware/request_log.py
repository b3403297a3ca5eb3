"""The request log: an id for each request, and one line without names, patient ids or URLs."""

import logging
import random
import time

from flask import Response

from bff.logs import Fields
from bff.request_context import RequestContext

log = logging.getLogger("bff.access")


def start(context: RequestContext) -> None:
    """Set the request's id and start time."""
    context.request_id = f"req_{random.getrandbits(96):024x}"
    context.started = time.perf_counter()


def finish(context: RequestContext, response: Response) -> None:
    """Add the id to the response, and log the request."""
    response.headers["X-Request-Id"] = context.request_id
    line = Fields(
        message="request",
        request_id=context.request_id,
        method=context.method,
        # The rule, such as /api/patients/<patient_id>, since the path contains the id.
        route=context.url_rule.rule if context.url_rule else "none",
        status=response.status_code,
        ms=round((time.perf_counter() - context.started) * 1000, 1),
    )
    log.info(line)
