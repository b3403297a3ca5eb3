"""Reads the query that Medblocks adds to a return URL."""

from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

_SUCCESS = {"true": True, "false": False}


class ReturnUrl(NamedTuple):
    """What a browser that comes back from Medblocks brings along.

    `success`, and then `connection_id` or `error` and `error_description`, are there only after a session for
    one facility.
    """

    patient_id: str | None = None
    patient_session_id: str | None = None
    success: bool | None = None
    connection_id: str | None = None
    error: str | None = None
    error_description: str | None = None


def parse_return_url(url: str) -> ReturnUrl:
    """Return the values in the query of a return URL. Raise ValueError if a parameter is there twice.

    They are a hand-off, not proof: anyone can write such a URL. Check that the session is one that you
    started for the signed-in user, and read it: `medblocks.patient_session.retrieve(…)`.
    """
    query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    pairs = [pair for pair in query if pair[0] in ReturnUrl._fields]
    values: dict[str, Any] = dict(pairs)
    # Without the values: they can be personal data.
    if len(values) < len(pairs):
        raise ValueError("The return URL has a parameter twice.")
    if "success" in values:
        if values["success"] not in _SUCCESS:
            raise ValueError("The return URL's `success` is neither true nor false.")
        values["success"] = _SUCCESS[values["success"]]
    return ReturnUrl(**values)
