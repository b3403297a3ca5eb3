"""The sandbox as one Flask app: who may call it, how it marks replies, and how it reports failures."""

import logging
import secrets
from collections.abc import Collection

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from bff.sandbox.api import ExactConverter, create_api
from bff.sandbox.errors import ApiError
from bff.sandbox.hosted import create_hosted
from bff.sandbox.records import Json
from bff.sandbox.store import Store

DEMO_KEY = "mb_sk_sbx_demo"
EXPIRED_KEY = "mb_sk_sbx_expired"
DEMO_WEBHOOK_SECRET = "whsec_demo_of_the_sandbox"  # noqa: S105 - it protects nothing
API_VERSION = "2026-04-25"

_log = logging.getLogger(__name__)


def create_sandbox(
    public_url: str, *, api_keys: Collection[str] = (DEMO_KEY,), newer_codes: bool = False
) -> Flask:
    """Return the sandbox as a WSGI app. Its Store is `app.extensions["sandbox"]`.

    `public_url` is where browsers reach it: the URLs of hosted pages begin with it. `newer_codes` gives
    errors the names that newer versions of Medblocks have for them.
    """
    app = Flask(__name__, static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.url_map.converters["exact"] = ExactConverter
    store = app.extensions["sandbox"] = Store(public_url, newer_codes=newer_codes)
    app.register_blueprint(create_api(store))
    app.register_blueprint(create_hosted(store))
    app.register_error_handler(ApiError, _refused)
    app.register_error_handler(HTTPException, _refused_by_flask)
    app.register_error_handler(Exception, _failed)

    @app.before_request
    def admit() -> None:
        g.request_id = "req_" + secrets.token_hex(12)
        if request.blueprint != "hosted":
            _check_key(api_keys)
            _check_version()

    @app.after_request
    def mark(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        return response

    return app


def _check_key(keys: Collection[str]) -> None:
    if request.endpoint == "api.health":
        return
    header = request.headers.get("Authorization")
    if header is None:
        raise ApiError(401, "missing_api_key", "There is no Authorization header. Send: Bearer <API key>.")
    scheme, _, key = header.partition(" ")
    if scheme.lower() == "bearer" and key.strip() == EXPIRED_KEY:
        raise ApiError(401, "expired_api_key", "The API key has expired. Send another.")
    if scheme.lower() != "bearer" or key.strip() not in keys:
        raise ApiError(401, "invalid_api_key", "The API key is not one of this workspace. Send another.")


def _check_version() -> None:
    if request.headers.get("Version", API_VERSION) != API_VERSION:
        raise ApiError(
            400, "unsupported_api_version", f"This Version is not supported. Send {API_VERSION} or none."
        )


def _refused(error: ApiError) -> tuple[Json, int]:
    newer = current_app.extensions["sandbox"].newer_codes
    return error.to_json(g.request_id, newer_codes=newer), error.status


def _refused_by_flask(error: HTTPException) -> tuple[Json, int]:
    status = error.code or 500
    code = {404: "not_found", 405: "method_not_allowed"}.get(status, "bad_request")
    message = "There is no such operation. Check the method and the path."
    return _refused(ApiError(status, code, message))


def _failed(error: Exception) -> tuple[Json, int]:
    # The type only: the path and the message can hold a patient's id.
    _log.error("the sandbox failed with %s (request %s)", type(error).__name__, g.request_id)
    return _refused(ApiError(500, "internal_error", "The sandbox failed. Its log names this request."))
