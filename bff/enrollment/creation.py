"""Creates a patient exactly once, on an API without idempotency keys.

A create sends the owner's tag in the patient's metadata. If its outcome is unknown, the patient is read back:

- with our tag, our own create succeeded;
- with another tag, or none, the id is taken;
- if there is no patient, it is safe to create again, because Medblocks never gives one id to two patients.

If our create is committed only after we read "no patient", the second create gets a conflict, and reading
back finds our tag.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from bff.enrollment.calls import ApiResponse, GrantedCalls
from bff.enrollment.models import Patient
from bff.errors import AlreadyCreated, CreatedDifferently
from bff.medblocks.errors import (
    BadResponse,
    Conflict,
    ConnectionFailed,
    MedblocksError,
    NotFound,
    UnexpectedResponse,
    UpstreamTimeout,
)
from bff.medblocks.grants import Grant
from bff.schemas import NewPatient

ATTEMPTS = 3
# A create returns these fields; a read returns connections too.
_FIELDS = [field.name for field in msgspec.structs.fields(Patient)]
# A repeated create must have the same values in what a browser may send.
_DETAILS = NewPatient().fields.keys() - {"patient_id"}


def create_once(calls: GrantedCalls, grant: Grant, details: Mapping[str, Any]) -> ApiResponse:
    """Return the created patient, whether this call or an earlier one of the same owner created it.

    Raise Conflict if the id belongs to another owner. If the patient exists with other details, raise
    AlreadyCreated if the caller owns it, and CreatedDifferently if only the tag matches. Raise the error of
    the create if reading back could not tell its outcome.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return calls.create_patient(grant, details)
        except (Conflict, UpstreamTimeout, ConnectionFailed, BadResponse) as error:
            if isinstance(error, UnexpectedResponse) and error.status_code:
                raise  # Medblocks refused the create: another attempt would get the same response
            found = _read_back(calls, grant, error)
            if found is not None:
                return _as_created(found, grant, details)
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def _read_back(calls: GrantedCalls, grant: Grant, error: MedblocksError) -> ApiResponse | None:
    """Return the patient, or None if there is none. If the read fails, raise the error to report."""
    try:
        return calls.read_patient(grant)
    except NotFound:
        return None
    except MedblocksError:
        if isinstance(error, Conflict):
            raise  # the id may be ours, so "taken" could be wrong
        raise error from None


def _as_created(found: ApiResponse, grant: Grant, details: Mapping[str, Any]) -> ApiResponse:
    patient = found.body
    # With a login, the id is the caller's own, whichever browser created the patient.
    if not grant.has_tag(found.owner_tag) and not grant.owned:
        raise Conflict("create patient", detail="the id belongs to another owner")
    # A patient that was created without our tag may have metadata of its own.
    compared = _DETAILS if found.owner_tag is not None else _DETAILS - {"metadata"}
    if any(patient[name] != details.get(name) for name in compared):
        error = AlreadyCreated if grant.owned else CreatedDifferently
        raise error("create patient", detail="with other details")
    return ApiResponse({name: patient[name] for name in _FIELDS}, found.status, found.request_id)
