"""The rules of enrollment: how a patient is created, and how a session for one is started."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from bff.access.return_urls import ReturnUrls
from bff.medblocks.client import Answer, Medblocks
from bff.medblocks.errors import Conflict


class Enrollment:
    """Creates patients and starts their sessions.

    Takes the upstream, the allowed return urls, and the `signup_source` that new patients get.
    """

    def __init__(self, medblocks: Medblocks, return_urls: ReturnUrls, signup_source: str) -> None:
        self.medblocks = medblocks
        self.return_urls = return_urls
        self._signup_source = signup_source

    def create_patient(self, patient: Mapping[str, Any]) -> Answer:
        """Create a patient from `patient_id` and optional `email`, `name`, `metadata`.

        Raises Conflict when the id is taken, or any other MedblocksError.
        """
        metadata = {"signup_source": self._signup_source, **patient.get("metadata", {})}
        return self.medblocks.create_patient({**patient, "metadata": metadata})

    def start_session(self, session: Mapping[str, Any]) -> Answer:
        """Start a session from `patient_id` and optional `return_url`, `connection_id` or recommendations.

        Medblocks creates the patient when there is none. Raises InvalidInput for a return url that is not
        allowed, or any MedblocksError.
        """
        return_url = self.return_urls.check(session.get("return_url"))
        return self.medblocks.start_patient_session({**session, "return_url": return_url})

    def enroll(self, patient: Mapping[str, Any], return_url: str) -> Answer:
        """Create the patient unless the id exists, and start a session.

        Name and email go with the create alone: a session start would overwrite those of whoever has the id.
        """
        with suppress(Conflict):
            self.create_patient(patient)
        return self.start_session({"patient_id": patient["patient_id"], "return_url": return_url})
