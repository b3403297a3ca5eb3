"""Creating a patient exactly once, on an API that has no idempotency keys.

The create carries the owner's tag in its metadata. Whenever an answer leaves open what happened, the
patient is read back: with our tag, our own create has won; with another, the id is somebody else's; when
there is none, it is safe to create again, since Medblocks gives one id to one patient only. That also
holds for a create that is committed late: the next one meets a conflict, and reads its own tag.
"""

from collections.abc import Mapping
from typing import Any

from bff.medblocks.client import Answer, Medblocks
from bff.medblocks.errors import (
    AlreadyCreated,
    BadResponse,
    Conflict,
    ConnectionFailed,
    CreatedDifferently,
    MedblocksError,
    NotFound,
    UpstreamTimeout,
)
from bff.medblocks.grants import Grant

ATTEMPTS = 3
_FIELDS = ("id", "resource_type", "email", "name", "metadata", "created_at")


def create_once(medblocks: Medblocks, grant: Grant, details: Mapping[str, Any]) -> Answer:
    """Give the created patient, whether this call created it or an earlier one of the same owner.

    Raise Conflict when the id belongs to someone else; for other details, AlreadyCreated when the caller owns
    the patient, and CreatedDifferently when only the tag matches; or the error of the create, when a read
    could not settle in time what happened.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return medblocks.create_patient(grant, details)
        except (Conflict, UpstreamTimeout, ConnectionFailed, BadResponse) as error:
            found = _find(medblocks, grant, error)
            if found is not None:
                return _as_created(found, grant, details)
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def _find(medblocks: Medblocks, grant: Grant, error: MedblocksError) -> Answer | None:
    """Read the patient back. Raises what is true to say when there is no telling."""
    try:
        return medblocks.read_patient(grant)
    except NotFound:
        return None
    except MedblocksError:
        if isinstance(error, Conflict):
            raise  # the id may well be ours: "taken" would be a guess
        raise error from None


def _as_created(found: Answer, grant: Grant, details: Mapping[str, Any]) -> Answer:
    patient = found.body
    # A login vouches for its own id, whoever created the patient.
    if found.owner_tag != grant.owner_tag and not grant.owned:
        raise Conflict("create patient", detail="the id is somebody else's")
    tagged = found.owner_tag is not None
    compared = ("email", "name", "metadata") if tagged else ("email", "name")
    if any(patient[name] != details.get(name) for name in compared):
        error = AlreadyCreated if grant.owned else CreatedDifferently
        raise error("create patient", detail="with other details")
    return Answer({name: patient[name] for name in _FIELDS}, found.status, found.request_id)
