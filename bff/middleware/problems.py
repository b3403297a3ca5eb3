"""What a caller is told when something fails: for every exception a status, a code, and a safe sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from limits.errors import StorageError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, TooManyRequests

from bff.errors import (
    CrossSiteRequest,
    IdempotencyKeyReused,
    IdentityUnavailable,
    InvalidInput,
    NotAtRoot,
    NotFound,
    Overloaded,
    Unauthenticated,
    UnsupportedMediaType,
)
from bff.http import MAX_BODY_BYTES
from bff.medblocks import errors as upstream
from bff.request_context import request_context

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
    422: "invalid_request_error",
}


_BUSY = "throttled"


@dataclass(frozen=True)
class Problem:
    """What the caller is told; `message` is fit to show to a patient."""

    status: int
    code: str
    message: str
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def envelope(self) -> dict[str, object]:
        """Give the JSON body, with the names that Medblocks' own envelope has."""
        return {
            "error": {
                "message": self.message,
                "type": "rate_limit_error" if self.code == _BUSY else _TYPES.get(self.status, "api_error"),
                "code": self.code,
                "param": self.param,
                "request_id": request_context().request_id,
            }
        }


_UNAVAILABLE_HERE = "Something that we need is not available right now. Please try again shortly."
_OURS: dict[type, Problem] = {
    UnsupportedMediaType: Problem(
        415, "unsupported_media_type", "Send the body as JSON, with Content-Type: application/json."
    ),
    Unauthenticated: Problem(
        401, "not_authenticated", "Please sign in, and try again.", headers={"WWW-Authenticate": "Bearer"}
    ),
    IdentityUnavailable: Problem(
        503,
        "login_unavailable",
        "Your sign-in can't be checked right now. Please try again shortly.",
        headers={"Retry-After": "30"},
    ),
    Overloaded: Problem(
        503,
        "overloaded",
        "There is a lot going on right now. Please try again in a moment.",
        headers={"Retry-After": "1"},
    ),
    NotAtRoot: Problem(
        500, "not_at_root", "This app must be served at the root of its origin. Please tell its operator."
    ),
    StorageError: Problem(503, "store_unavailable", _UNAVAILABLE_HERE, headers={"Retry-After": "5"}),
    IdempotencyKeyReused: Problem(
        422, "idempotency_key_reused", "This Idempotency-Key was used with another body. Use a new one."
    ),
    CrossSiteRequest: Problem(
        403, "cross_site_request", "This request did not come from our own page. Please open the page anew."
    ),
}
_CRASH = Problem(500, "internal_error", "Something went wrong on our side. Please try again.")
_PATIENT_UNKNOWN = "There is no patient with this id."
_UNAVAILABLE = "The health records service is unavailable right now. Please try again in a few minutes."
_MISSING = {
    "read session": "There is no such patient session.",
    "disconnect": "There is no such connection.",
    "read facility": "There is no such facility.",
    "start session": "The facility was not found. Please choose another one.",
}
_REJECTED = {
    "patient_id": "The records service does not accept this patient id. Please use another one.",
    "email": "The records service does not accept this email address. Please check it.",
    "name": "The records service does not accept this name. Please check it.",
    "metadata": "The records service does not accept this metadata. Please check it.",
    "return_button_label": "The records service does not accept this return_button_label. Please check it.",
    "return_url": "The records service does not accept this return_url. Please check it.",
    "connection_id": "The records service does not know this facility. Please choose another one.",
    "starting_after": "The records service does not know this cursor. Please search again.",
    "recommended_connection_ids": "The records service does not know one of these facilities.",
}
_OUR_NAMES = {"patient_email": "email", "patient_name": "name"}
_HTTP = {
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not answer this method."),
    429: (
        _BUSY,
        "There were too many requests in a short time. Please wait a little, and try again.",
    ),
    411: ("length_required", "Send the body with a Content-Length."),
    413: ("payload_too_large", f"The request is too large: send at most {MAX_BODY_BYTES // 1024} KiB."),
}


def problem_for(error: Exception) -> Problem:
    """Choose the answer to an exception."""
    match error:
        case InvalidInput():
            param, message = next(iter(error.problems.items()))
            return Problem(400, "invalid_request", message, param)
        case NotFound():
            message = _PATIENT_UNKNOWN if error.what == "patient" else f"There is no such {error.what}."
            return Problem(404, "not_found", message)
        case upstream.MedblocksError():
            return _upstream_problem(error)
        case HTTPException():
            return _http_problem(error)
    return next((_OURS[kind] for kind in type(error).__mro__ if kind in _OURS), _CRASH)


def _conflict(error: upstream.Conflict) -> Problem:
    message = "This patient id is already taken. Please use another one."
    if isinstance(error, upstream.AlreadyCreated):
        message = "This patient was created before, with other details. They stay as they are."
    elif isinstance(error, upstream.CreatedDifferently):
        message = (
            "This patient was created before, with other details. Please use the same details or another id."
        )
    return Problem(409, "external_id_already_exists", message, "patient_id")


def _upstream_problem(error: upstream.MedblocksError) -> Problem:
    details = error.details
    match error:
        case upstream.InvalidRequest():
            return _rejected(details)
        case upstream.NotFound():
            return Problem(404, "not_found", _MISSING.get(error.operation, _PATIENT_UNKNOWN))
        case upstream.Conflict():
            return _conflict(error)
        case upstream.RateLimited():
            message = "The health records service is busy. Please try again shortly."
            return Problem(503, _BUSY, message, headers={"Retry-After": str(details.retry_after or 5)})
        case upstream.CallRejected():
            headers = {"Retry-After": str(details.retry_after or 1)}
            return Problem(503, "upstream_unavailable", _UNAVAILABLE, headers=headers)
        case upstream.UpstreamTimeout():
            message = "The health records service took too long to answer. Please try again."
            return Problem(504, "upstream_timeout", message)
        case upstream.InvalidApiKey() if details.code in {"missing_api_key", "invalid_api_key"}:
            return Problem(502, str(details.code), _UNAVAILABLE)
    return Problem(502, "upstream_unavailable", _UNAVAILABLE)


def _rejected(details: upstream.ErrorDetails) -> Problem:
    if details.status == 413:
        return Problem(413, "payload_too_large", "The records service finds this request too large.")
    param = _OUR_NAMES.get(details.param or "", details.param)
    if param not in _REJECTED:
        return Problem(
            400, "invalid_request", "The records service does not accept this request. Please check it."
        )
    return Problem(400, "invalid_request", _REJECTED[param], param)


def _http_problem(error: HTTPException) -> Problem:
    status = error.code or 500
    code, message = _HTTP.get(status, ("bad_request", "This request can't be understood."))
    headers = {}
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(error.valid_methods or ())
    elif isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.retry_after or 1)
    return Problem(status, code, message, headers=headers)
