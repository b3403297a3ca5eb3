"""Which ids may be sent to Medblocks, and how they become a part of a path."""

import re
import unicodedata
from urllib.parse import quote

PATIENT_ID_MAX = 200
RESERVED_PREFIXES = ("pat_", "ps_", "pf_", "conn_", "fhirsrc_", "wh_", "evt_")

# Characters that would end, nest or decode a path segment somewhere between here and Medblocks.
_PATH_SYNTAX = frozenset("/\\%?#")
# Control characters, lone surrogates, and the two separators that end a line without being controls.
_INVISIBLE = frozenset({"Cc", "Cs", "Zl", "Zp"})

_RESOLVED = {"", ".", ".."}
_PLAIN = re.compile(r"[A-Za-z0-9_-]*")  # what stands for itself in a path

_SESSION_ID = re.compile(r"ps_[A-Za-z0-9_-]{1,200}")
_CONNECTION_ID = re.compile(r"conn_[A-Za-z0-9_-]{1,200}")
_FACILITY_ID = re.compile(r"fhirsrc_[A-Za-z0-9_-]{1,200}")


def patient_id_problem(patient_id: str) -> str | None:
    """Say what is wrong with a patient id, in a sentence for the one who sent it; None when it is fine.

    The limits are those of Medblocks' create call, and ours for whatever a path could misread.
    """
    if not patient_id:
        return "Give a patient id: it must not be empty."
    if len(patient_id) > PATIENT_ID_MAX:
        return f"This patient id is too long: use at most {PATIENT_ID_MAX} characters."
    if patient_id.startswith(RESERVED_PREFIXES):
        return f"A patient id must not start with {', '.join(RESERVED_PREFIXES)}: these are Medblocks' own."
    if patient_id in _RESOLVED:
        return "A patient id must be more than dots."
    if not _PATH_SYNTAX.isdisjoint(patient_id):
        return "A patient id can't have any of / \\ % ? # in it. Please leave them out."
    # What can be printed is fine, and what can't be may be fine all the same: joiners, for example.
    if not patient_id.isprintable() and any(unicodedata.category(c) in _INVISIBLE for c in patient_id):
        return "A patient id must not contain line breaks or control characters."
    return None


def is_session_id(text: str) -> bool:
    """Tell whether this has the form of a patient session's id, `ps_…`."""
    return _SESSION_ID.fullmatch(text) is not None


def is_connection_id(text: str) -> bool:
    """Tell whether this has the form of the id of one patient's connection, `conn_…`."""
    return _CONNECTION_ID.fullmatch(text) is not None


def is_facility_id(text: str) -> bool:
    """Tell whether this has the form of a facility's id in the catalog, `fhirsrc_…`."""
    return _FACILITY_ID.fullmatch(text) is not None


def path(*segments: str) -> str:
    """Build an upstream path: every segment is percent-encoded whole, so it stays one segment.

    Raises ValueError for an empty or dot segment, which servers and clients resolve instead of sending.
    """
    whole = ""
    for segment in segments:
        if segment in _RESOLVED:
            raise ValueError("a path segment must not be empty, . or ..")
        whole += f"/{segment if _PLAIN.fullmatch(segment) else quote(segment, safe='')}"
    return whole
