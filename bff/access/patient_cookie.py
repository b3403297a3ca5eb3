"""The patient cookie: the id of the patient that a browser used last, encrypted.

It grants nothing: `Guard` checks the id against the owner cookie. Pages need it to name the patient, because
the owner cookie has tags instead of ids.
"""

from typing import NamedTuple, TypedDict

from flask import Request, Response

from bff.access.cookies import cookie_values, set_cookie
from bff.access.encryption import Encryption


class LastPatient(NamedTuple):
    """The id of the patient used last, and whether this browser has accepted an invite for it."""

    patient_id: str
    invited: bool = False


class _Claims(TypedDict):
    p: str  # the patient's id
    i: bool  # invited


class PatientCookie:
    """Reads and writes the cookie, which expires after `max_age` seconds; `https` makes it `Secure`."""

    def __init__(self, encryption: Encryption, *, https: bool, max_age: int) -> None:
        self.name = "__Host-bff-patient" if https else "bff-patient"
        self._encryption = encryption
        self._https = https
        self._max_age = max_age

    def read(self, request: Request) -> LastPatient | None:
        """Return the patient, or None if the cookie is missing or not encrypted by us."""
        values = cookie_values(request.environ.get("HTTP_COOKIE", ""), self.name)
        decrypted = (self._encryption.decrypt(value, _Claims) for value in values if value)
        claims = next(filter(None, decrypted), None)
        return LastPatient(claims["p"], claims["i"]) if claims else None

    def write(self, response: Response, patient: LastPatient) -> None:
        """Set the cookie for this patient."""
        value = self._encryption.encrypt(_Claims(p=patient.patient_id, i=patient.invited))
        set_cookie(response, self.name, value, self._max_age, https=self._https)

    def delete(self, response: Response) -> None:
        """Delete the cookie in the browser."""
        set_cookie(response, self.name, "", 0, https=self._https)
