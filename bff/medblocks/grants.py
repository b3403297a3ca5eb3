"""Grants: proof that the caller may act for a patient, which every call about one needs.

Only `bff.access.guard` creates them. A view that forgets to ask the guard has nothing to call Medblocks with.
"""

from typing import NamedTuple

RESERVED_METADATA = "bff_"  # keys of metadata with this prefix are ours, and never reach a browser
OWNER_KEY = f"{RESERVED_METADATA}owner"  # the owner tag in a patient's metadata


class Grant(NamedTuple):
    """The caller may act for this patient.

    `owner` is the caller's name, and `owner_tag` marks a patient as this caller's. `owned` is False in a
    grant to create a patient that the caller does not own yet. `other_tags` mark the same caller: tags made
    with the previous secret.
    """

    patient_id: str
    owner: str
    owner_tag: str
    owned: bool = True
    other_tags: tuple[str, ...] = ()

    def has_tag(self, tag: str | None) -> bool:
        """Return whether a tag is one of the caller's."""
        return tag == self.owner_tag or tag in self.other_tags

    def __repr__(self) -> str:
        return "Grant(…)"


class SessionGrant(NamedTuple):
    """The caller started this patient session."""

    patient_session_id: str
    owner: str

    def __repr__(self) -> str:
        return "SessionGrant(…)"
