"""Reads the query that Medblocks adds to a return URL."""

from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

_NAMES = ("patient_id", "patient_session_id", "success", "connection_id", "error", "error_description")
_SUCCESS = {"true": True, "false": False}


class ReturnUrl(NamedTuple):
    """What a browser that comes back from Medblocks brings along.

    `success`, and then `connection_id` or `error` and `error_description`, are there only after a session for
    one facility.
    """

    patient_id: str | None
    patient_session_id: str | None
    success: bool | None
    connection_id: str | None
    error: str | None
    error_description: str | None


def parse_return_url(url: str) -> ReturnUrl:
    """Return the values in the query of a return URL. Raise ValueError for one that is there twice.

    They are a hand-off, not proof: anyone can write such a URL. Check that the session is one that you
    started for the signed-in user, and read it: `medblocks.patient_session.retrieve(…)`.
    """
    pairs = [pair for pair in parse_qsl(urlsplit(url).query, keep_blank_values=True) if pair[0] in _NAMES]
    values = dict(pairs)
    # Without the values: they can be personal data.
    if len(values) < len(pairs):
        raise ValueError("The return URL has a parameter twice.")
    success = values.get("success")
    if success is not None and success not in _SUCCESS:
        raise ValueError("The return URL's `success` is neither true nor false.")
    texts = {name: values.get(name) for name in _NAMES if name != "success"}
    return ReturnUrl(success=None if success is None else _SUCCESS[success], **texts)
