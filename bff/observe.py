"""What the operator sees of each request: a request id, and one log line without names, ids or urls."""

import logging
import random
import time

from flask import Response

from bff.lean_flask import LeanFlask, LeanRequest
from bff.lines import Fields, add_default_handler, quiet_http_client

log = logging.getLogger("bff.access")


def init_app(app: LeanFlask) -> None:
    """Give each request an id and each answer a line in the log."""
    add_default_handler()
    quiet_http_client()

    @app.before
    def start(asked: LeanRequest) -> None:
        asked.request_id = f"req_{random.getrandbits(96):024x}"
        asked.started = time.perf_counter()

    @app.after
    def finish(asked: LeanRequest, response: Response) -> None:
        response.headers["X-Request-Id"] = asked.request_id
        line = Fields(
            message="request",
            request_id=asked.request_id,
            method=asked.method,
            # The rule, such as /api/patients/<patient_id>: a path would carry the id.
            route=asked.url_rule.rule if asked.url_rule else "none",
            status=response.status_code,
            ms=round((time.perf_counter() - asked.started) * 1000, 1),
        )
        log.info(line)
