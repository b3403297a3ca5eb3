"""The client for Medblocks: `Medblocks(api_key).patients.create(patient_id=…)`. There is no Flask in it.

The public names are imported on first use: gunicorn imports the worker class, which needs `deadline`, before
gevent patches the standard library that the client uses.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bff.medblocks.client import Medblocks
    from bff.medblocks.errors import (
        AccountError,
        BadResponse,
        BillingError,
        CallRejected,
        Conflict,
        ConnectionFailed,
        DeadlineExceeded,
        InvalidApiKey,
        InvalidId,
        InvalidRequest,
        MedblocksError,
        NotFound,
        PermissionDenied,
        RateLimited,
        UnexpectedResponse,
        UnsupportedVersion,
        UpstreamTimeout,
    )
    from bff.medblocks.models import (
        Connection,
        Deleted,
        Disconnected,
        Facility,
        FacilityPage,
        Health,
        Patient,
        PatientDetail,
        PatientPage,
        PatientSession,
        PatientSessionPage,
        Record,
        RecordPage,
        SessionConnection,
    )
    from bff.medblocks.resources.base import ResponseInfo
    from bff.medblocks.resources.patients import UNCHANGED
    from bff.medblocks.return_url import ReturnUrl, parse_return_url
    from bff.medblocks.webhooks import Event, InvalidEvent, InvalidSignature

__all__ = [
    "UNCHANGED",
    "AccountError",
    "BadResponse",
    "BillingError",
    "CallRejected",
    "Conflict",
    "Connection",
    "ConnectionFailed",
    "DeadlineExceeded",
    "Deleted",
    "Disconnected",
    "Event",
    "Facility",
    "FacilityPage",
    "Health",
    "InvalidApiKey",
    "InvalidEvent",
    "InvalidId",
    "InvalidRequest",
    "InvalidSignature",
    "Medblocks",
    "MedblocksError",
    "NotFound",
    "Patient",
    "PatientDetail",
    "PatientPage",
    "PatientSession",
    "PatientSessionPage",
    "PermissionDenied",
    "RateLimited",
    "Record",
    "RecordPage",
    "ResponseInfo",
    "ReturnUrl",
    "SessionConnection",
    "UnexpectedResponse",
    "UnsupportedVersion",
    "UpstreamTimeout",
    "parse_return_url",
]

BASE_URL = "https://app.medblocks.com"
API_VERSION = "2026-04-25"  # the default of the client and of the settings

_MODULES = ("errors", "models", "webhooks", "return_url", "resources.base", "resources.patients", "client")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in _MODULES:
            found = vars(import_module(f"bff.medblocks.{module}"))
            if name in found:
                return found[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
