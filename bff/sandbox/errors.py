"""The sandbox's refusals, in Medblocks' envelope. There is no HTTP in here."""

from typing import Any

_TYPES = {
    401: "authentication_error",
    404: "not_found_error",
    409: "conflict_error",
    429: "rate_limit_error",
    502: "ehr_error",
}


DOC_URL = "https://docs.medblocks.example/errors"
# What newer versions of Medblocks call these codes.
_NEWER = {
    "invalid_request": "bad_request",
    "not_found": "resource_not_found",
    "invalid_api_key": "invalid_credentials",
    "throttled": "api_key_limit_exceeded",
}


class ApiError(Exception):
    """A refused request: an HTTP status, a documented code, and a message for the caller."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param

    def to_json(self, request_id: str, *, newer_codes: bool = False) -> dict[str, Any]:
        """Return the error envelope of every refusal, on demand with the newer name of its code."""
        code = self.code
        if newer_codes:
            code = "invalid_data" if code == "invalid_request" and self.param else _NEWER.get(code, code)
        other = "api_error" if self.status >= 500 else "invalid_request_error"
        return {
            "error": {
                "type": _TYPES.get(self.status, other),
                "code": code,
                "message": self.message,
                "param": self.param,
                "doc_url": DOC_URL,
                "request_id": request_id,
            }
        }


class SessionClosedError(Exception):
    """The patient session is complete or expired, so its page can do nothing more."""

    def __init__(self, session: dict[str, Any]) -> None:
        super().__init__("The patient session is not open. Start a new one.")
        self.session = session


def invalid_request(message: str, param: str | None = None) -> ApiError:
    """Return the error for a request that the caller must correct, with the field at fault."""
    return ApiError(400, "invalid_request", message, param)


def not_found(what: str) -> ApiError:
    """Return the error for a `patient`, `connection` … that does not exist."""
    return ApiError(404, "not_found", f"There is no such {what}. Check its id and try again.")
