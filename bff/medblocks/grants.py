"""What a call about one patient needs: proof that whoever asks may have it.

Only `bff.access.guard` makes these; a view that forgot to ask has nothing to call upstream with.
"""

from typing import NamedTuple


class Grant(NamedTuple):
    """The caller may act for this patient.

    `owner` names the caller, `owner_tag` marks the patient as that caller's, and `owned` says whether it is
    so already: a grant to create a patient has it False.
    """

    patient_id: str
    owner: str
    owner_tag: str
    owned: bool = True

    def __repr__(self) -> str:
        return "Grant(…)"


class SessionGrant(NamedTuple):
    """The caller started this patient session."""

    patient_session_id: str
    owner: str

    def __repr__(self) -> str:
        return "SessionGrant(…)"
