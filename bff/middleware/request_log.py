"""What the operator sees of each request: a request id, and one log line without names, ids or urls."""

import logging
import random
import time

from flask import Response

from bff.logs import Fields
from bff.request_context import RequestContext

log = logging.getLogger("bff.access")


def start(traced: RequestContext) -> None:
    """Give a request its id."""
    traced.request_id = f"req_{random.getrandbits(96):024x}"
    traced.started = time.perf_counter()


def finish(traced: RequestContext, response: Response) -> None:
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
