"""Checks ids, and builds the paths that contain them."""

import re
import unicodedata
from urllib.parse import quote

from bff.messages import Message

PATIENT_ID_MAX = 200
RESERVED_PREFIXES = ("pat_", "ps_", "pf_", "conn_", "fhirsrc_", "wh_", "evt_")

# Characters that would end, nest or decode a path segment somewhere between here and Medblocks.
_PATH_SYNTAX = frozenset("/\\%?#")
# Control characters, lone surrogates, and the two separators that end a line without being controls.
_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Joiners, fillers, selectors and a blank: they are or can be invisible, and are not of the category Cf.
_shows_nothing = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
).fullmatch

_REPLACEMENT = "\ufffd"  # what decoders put in place of bytes that are not UTF-8, also in a path
_RESOLVED = {"", ".", ".."}
_PLAIN = re.compile(r"[A-Za-z0-9_-]*")  # what stands for itself in a path

_SESSION_ID = re.compile(r"ps_[A-Za-z0-9_-]{1,200}")
_CONNECTION_ID = re.compile(r"conn_[A-Za-z0-9_-]{1,200}")
_FACILITY_ID = re.compile(r"fhirsrc_[A-Za-z0-9_-]{1,200}")


def patient_id_problem(patient_id: str) -> Message | None:
    """Return what is wrong with a patient id, or None.

    The limits are those of Medblocks' create call, and ours for what a path could misread.
    """
    if not patient_id.strip():
        return Message("patient_id_missing")
    if len(patient_id) > PATIENT_ID_MAX:
        return Message("patient_id_too_long", {"max": PATIENT_ID_MAX})
    if patient_id.startswith(RESERVED_PREFIXES):
        return Message("patient_id_reserved", {"prefixes": ", ".join(RESERVED_PREFIXES)})
    if patient_id in _RESOLVED:
        return Message("patient_id_dots")
    if not _PATH_SYNTAX.isdisjoint(patient_id):
        return Message("patient_id_path_syntax")
    return _text_problem(patient_id)


def _text_problem(patient_id: str) -> Message | None:
    if not patient_id.isprintable() and any(unicodedata.category(c) in _CONTROLS for c in patient_id):
        return Message("patient_id_control")
    if _REPLACEMENT in patient_id:
        return Message("patient_id_not_utf8")
    # Otherwise the ids of two patients could look the same.
    if any(map(is_invisible, patient_id)):
        return Message("patient_id_invisible")
    return None


def is_invisible(character: str) -> bool:
    """Return whether a character shows nothing, such as a zero-width space or a mark of direction."""
    # Most characters are ASCII, where none is invisible.
    return not character.isascii() and (
        unicodedata.category(character) == "Cf" or _shows_nothing(character) is not None
    )


def is_session_id(text: str) -> bool:
    """Return whether a text has the form of a patient session's id, `ps_…`."""
    return _SESSION_ID.fullmatch(text) is not None


def is_connection_id(text: str) -> bool:
    """Return whether a text has the form of the id of a patient's connection, `conn_…`."""
    return _CONNECTION_ID.fullmatch(text) is not None


def is_facility_id(text: str) -> bool:
    """Return whether a text has the form of a facility's id in the catalog, `fhirsrc_…`."""
    return _FACILITY_ID.fullmatch(text) is not None


def path(*segments: str) -> str:
    """Return an upstream path; each segment is percent-encoded as a whole, so it stays one segment.

    Raise ValueError for an empty or dot segment: servers and clients resolve those instead of sending them.
    """
    whole = ""
    for segment in segments:
        if segment in _RESOLVED:
            raise ValueError("a path segment must not be empty, . or ..")
        whole += f"/{segment if _PLAIN.fullmatch(segment) else quote(segment, safe='')}"
    return whole
