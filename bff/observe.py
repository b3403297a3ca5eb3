"""What the operator sees of each request: a request id, and one log line without names, ids or urls."""

import json
import logging
import secrets
import sys
import time

from flask import Flask, Response, g, request

log = logging.getLogger("bff.access")


class JsonLines(logging.Formatter):
    """Writes each record as one JSON object, for whatever collects the logs."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line: time in UTC, level, logger, message, and the fields of `extra={"data": …}`."""
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "data", {}),
        }
        return json.dumps(line, ensure_ascii=False)


def configure_logging() -> None:
    """Send the product's log to standard error, one JSON object a line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    quiet_http_client()


def quiet_http_client() -> None:
    """Keep urllib3's debug lines out of every log: they show paths, and with them patient ids."""
    logging.getLogger("urllib3").setLevel(logging.WARNING)


def init_app(app: Flask) -> None:
    """Give each request an id and each answer a line in the log."""
    quiet_http_client()

    @app.before_request
    def start() -> None:
        g.request_id = f"req_{secrets.token_hex(12)}"
        g.started = time.perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        data = {
            "request_id": g.request_id,
            "method": request.method,
            # The rule, such as /api/patients/<patient_id>: a path would carry the id.
            "route": str(request.url_rule or "none"),
            "status": response.status_code,
            "ms": round((time.perf_counter() - g.started) * 1000, 1),
        }
        log.info("request", extra={"data": data})
        return response
