"""Turns every exception into a response: the JSON envelope or a page, as `is_api` says for the path."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from flask import Flask, Response, jsonify, render_template, request
from limits.errors import StorageError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, TooManyRequests

from bff.errors import (
    MAX_BODY_BYTES,
    AlreadyCreated,
    AppError,
    CreatedDifferently,
    EventInProgress,
    HandlerFailed,
    InvalidCredential,
    InvalidInput,
    MisdirectedRequest,
    NotAtRoot,
    Overloaded,
    is_api,
)
from bff.logs import Fields, error_location
from bff.medblocks import errors as upstream
from bff.medblocks.webhooks import InvalidEvent, InvalidSignature
from bff.messages import Message
from bff.middleware.rate_limits import FILES
from bff.request_context import request_context
from bff.translations import translate

log = logging.getLogger("bff.errors")

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    409: "conflict_error",
    411: "invalid_request_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    421: "invalid_request_error",
    422: "invalid_request_error",
}
_THROTTLED = "throttled"
_MAX_WAIT = 60 * 60  # seconds; a front end would wait for longer ones, too


@dataclass(frozen=True)
class ErrorResponse:
    """The response to an error; its message is fit to show to a patient."""

    status: int
    code: str
    message: Message
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def envelope(self) -> dict[str, object]:
        """Return the JSON body, with the fields of Medblocks' own envelope."""
        kind = "rate_limit_error" if self.code == _THROTTLED else _TYPES.get(self.status, "api_error")
        return {
            "error": {
                "message": translate(self.message),
                "type": kind,
                "code": self.code,
                "param": self.param,
                "request_id": request_context().request_id,
            }
        }


def response_for(error: Exception) -> ErrorResponse:
    """Return the response to an exception."""
    match error:
        case AppError():
            return ErrorResponse(error.status, error.code, error.message, error.param, error.headers)
        case upstream.MedblocksError():
            return _upstream_response(error)
        case HTTPException():
            return _http_response(error)
        case InvalidSignature():
            return ErrorResponse(400, "invalid_signature", error.message)
        case InvalidEvent():
            return ErrorResponse(400, "invalid_event", error.message)
        case StorageError():
            code = "store_unavailable"
            return ErrorResponse(503, code, Message(code), headers={"Retry-After": "5"})
    return ErrorResponse(500, "internal_error", Message("internal_error"))


_CONFLICTS: dict[type, str] = {
    upstream.Conflict: "patient_id_taken",
    AlreadyCreated: "patient_already_created",
    CreatedDifferently: "patient_created_differently",
}
_NOT_FOUND = {
    "read session": "no_patient_session",
    "disconnect": "no_connection",
    "read facility": "no_facility",
    "start session": "chosen_facility_unknown",
}


# Browsers get the names of the documentation page; the operator's log has Medblocks' own.
_KEY_CODES: dict[str | None, str] = {
    "missing_api_key": "missing_api_key",
    "invalid_api_key": "invalid_api_key",
    "expired_api_key": "invalid_api_key",
    "invalid_credentials": "invalid_api_key",
}


def _upstream_response(error: upstream.MedblocksError) -> ErrorResponse:
    unavailable = Message("upstream_unavailable")
    match error:
        case upstream.InvalidRequest():
            return _rejected(error)
        case upstream.NotFound():
            return ErrorResponse(404, "not_found", Message(_NOT_FOUND.get(error.operation, "no_patient")))
        case upstream.Conflict():
            message = Message(_CONFLICTS[type(error)])
            return ErrorResponse(409, "external_id_already_exists", message, "patient_id")
        case upstream.RateLimited():
            headers = {"Retry-After": _wait(error.retry_after or 5)}
            return ErrorResponse(503, _THROTTLED, Message("upstream_busy"), headers=headers)
        case upstream.CallRejected() | upstream.BadResponse(status_code=503, retry_after=int()):
            headers = {"Retry-After": _wait(error.retry_after or 1)}
            return ErrorResponse(503, "upstream_unavailable", unavailable, headers=headers)
        case upstream.UpstreamTimeout():
            return ErrorResponse(504, "upstream_timeout", Message("upstream_timeout"))
        case upstream.InvalidApiKey() if error.code in _KEY_CODES:
            return ErrorResponse(502, _KEY_CODES[error.code], unavailable)
    return ErrorResponse(502, "upstream_unavailable", unavailable)


def _wait(seconds: int) -> str:
    return str(min(max(1, seconds), _MAX_WAIT))


# Medblocks' fields that have another name here.
_OUR_NAMES = {"patient_email": "email", "patient_name": "name"}
_REJECTED = {
    "patient_id",
    "email",
    "name",
    "metadata",
    "return_button_label",
    "return_url",
    "connection_id",
    "starting_after",
    "recommended_connection_ids",
}


def _rejected(error: upstream.InvalidRequest) -> ErrorResponse:
    if error.status_code == 413:
        return ErrorResponse(413, "payload_too_large", Message("upstream_too_large"))
    param = _OUR_NAMES.get(error.param or "", error.param)
    if param in _REJECTED:
        return ErrorResponse(400, "invalid_request", Message(f"rejected_{param}"), param)
    # Another field of the request is named too, without a sentence of its own.
    param = param if param in request_context().names_sent else None
    return ErrorResponse(400, "invalid_request", Message("rejected"), param)


_HTTP = {404: "not_found", 405: "method_not_allowed", 411: "length_required"}


def _http_response(error: HTTPException) -> ErrorResponse:
    status = error.code or 500
    if status == 413:
        message = Message("payload_too_large", {"kib": MAX_BODY_BYTES // 1024})
        return ErrorResponse(status, "payload_too_large", message)
    if isinstance(error, TooManyRequests):
        headers = {"Retry-After": str(error.retry_after or 1)}
        return ErrorResponse(status, _THROTTLED, Message("too_many_requests"), headers=headers)
    headers = {}
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    code = _HTTP.get(status, "bad_request" if status < 500 else "internal_error")
    return ErrorResponse(status, code, Message(code), headers=headers)


def report(error: Exception) -> ErrorResponse:
    """Return the response to an exception that the request failed with, and log it as `log_error` does."""
    response = log_error(error)
    request_context().error_code = response.code
    return response


def log_error(error: Exception) -> ErrorResponse:
    """Return the response to an exception, and log it if it is our fault or Medblocks'.

    Users' mistakes are not logged. Neither are exception texts, which may contain personal data.
    """
    response = response_for(error)
    level, message = _worth_logging(error, response)
    if message:
        log.log(level, Fields(message=message, request_id=request_context().request_id))
    return response


def _worth_logging(error: Exception, response: ErrorResponse) -> tuple[int, str]:
    if isinstance(error, Overloaded | NotAtRoot | MisdirectedRequest | EventInProgress | HandlerFailed):
        return logging.NOTSET, ""  # possibly thousands; logged where they are raised
    if isinstance(error, upstream.MedblocksError) and response.status >= 500:
        return logging.ERROR, f"upstream: {error}"
    if isinstance(error, InvalidCredential):
        return logging.WARNING, f"a credential was refused: {error}"
    if isinstance(error, InvalidSignature | InvalidEvent):
        return logging.WARNING, f"a webhook was refused: {error}"
    if isinstance(error, InvalidInput) and "return_url" in error.problems:
        why = error.problems["return_url"]
        return logging.WARNING, f"a return_url was refused. {why} BFF_RETURN_URLS lists what is allowed."
    if isinstance(error, InvalidInput) and "state" in error.problems:
        return logging.WARNING, f"a state was refused. {error.problems['state']}"
    if response.status >= 500:
        return logging.ERROR, f"{response.code}: {error_location(error)}"
    return logging.NOTSET, ""


def handle(error: Exception) -> Response:
    """Return the response to a request that failed: JSON or a page."""
    problem = report(error)
    if is_api(request.path):
        # In the caller's spelling, such as `patientId`.
        sent = request_context().names_sent.get(problem.param or "", problem.param)
        response = jsonify(replace(problem, param=sent).envelope())
    elif request.endpoint in FILES:  # no page shows it, and rendering a page is expensive
        response = Response(f"{translate(problem.message)}\n", mimetype="text/plain")
    else:
        response = Response(render_template("error.html", problem=problem))
    response.status_code = problem.status
    response.headers.update(problem.headers)
    return response


def _hide_exception(record: logging.LogRecord) -> bool:
    """Replace an exception in Flask's own log by its location.

    Flask logs the exceptions of handlers and of `after_request` itself, with their text and the request's
    path.
    """
    if record.exc_info and record.exc_info[1]:
        record.msg, record.args = f"internal_error: {error_location(record.exc_info[1])}", ()
        record.exc_info = None
    return True


def init_app(app: Flask) -> None:
    """Register the handler. Call this last: flask-smorest handles HTTP errors in its own way."""
    for kind in (Exception, HTTPException):
        app.register_error_handler(kind, handle)
    app.logger.addFilter(_hide_exception)
