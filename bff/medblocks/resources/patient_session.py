"""Patient sessions: `Medblocks(…).patient_session`."""

from collections.abc import Mapping, Sequence
from typing import Any

from bff.medblocks import models
from bff.medblocks.replies import Shape
from bff.medblocks.resources.base import Resource, given

_SESSION = Shape(models.PatientSession)


class PatientSessions(Resource):
    """Visits of patients to Medblocks to connect records. Every method may raise any MedblocksError."""

    def init(  # noqa: PLR0913 - the API's parameters
        self,
        *,
        patient_id: str,
        return_url: str,
        patient_email: str | None = None,
        patient_name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        connection_id: str | None = None,
        recommended_connection_ids: Sequence[str] | None = None,
        return_button_label: str | None = None,
        expires_in: int | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> models.PatientSession:
        """Start a patient session; send the patient's browser to its `url`.

        Medblocks creates a patient that does not exist, and updates the email and name of one that does.
        `connection_id` leads straight to one facility, and `recommended_connection_ids` are shown first:
        send one of the two at most. `expires_in` is how long the link lives, 60 to 86,400 seconds.
        `extra_body` has fields of the API that this version of the client does not know.
        """
        fields = given(
            patient_id=patient_id,
            return_url=return_url,
            patient_email=patient_email,
            patient_name=patient_name,
            metadata=metadata,
            connection_id=connection_id,
            recommended_connection_ids=recommended_connection_ids,
            return_button_label=return_button_label,
            expires_in=expires_in,
        )
        body = {**(extra_body or {}), **fields}
        return self._call(_SESSION, "start session", "POST", "patient-sessions", json=body)

    def retrieve(self, patient_session_id: str) -> models.PatientSession:
        """Return a patient session, `ps_…`. Raise NotFound."""
        return self._call(_SESSION, "read session", "GET", "patient-sessions", patient_session_id)
