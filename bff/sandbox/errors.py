"""The sandbox's refusals, in Medblocks' own words for them; there is no HTTP in here."""

from typing import Any

_TYPES = {
    401: "authentication_error",
    404: "not_found_error",
    409: "conflict_error",
    500: "api_error",
}


class ApiError(Exception):
    """A refusal that the caller is told of: an HTTP status, a documented code, and a sentence."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param

    def to_json(self, request_id: str) -> dict[str, Any]:
        """Give the error envelope that every refusal is sent in."""
        return {
            "error": {
                "type": _TYPES.get(self.status, "invalid_request_error"),
                "code": self.code,
                "message": self.message,
                "param": self.param,
                "doc_url": f"https://docs.medblocks.example/errors#{self.code}",
                "request_id": request_id,
            }
        }


class SessionClosedError(Exception):
    """The patient session is complete or expired, so its page can do nothing more."""

    def __init__(self, session: dict[str, Any]) -> None:
        super().__init__("The patient session is not open; start a new one.")
        self.session = session


def invalid_request(message: str, param: str | None = None) -> ApiError:
    """Give the refusal of a request that has to be mended, naming the field at fault."""
    return ApiError(400, "invalid_request", message, param)


def invalid_field(field: str, what: str) -> ApiError:
    """Give the refusal of one field, which the sentence about it begins with."""
    return invalid_request(f"{field} {what}", field)


def not_found(what: str) -> ApiError:
    """Give the refusal of a call about something (`patient`, `connection` …) that is not there."""
    return ApiError(404, "not_found", f"There is no such {what}. Check its id and try again.")
