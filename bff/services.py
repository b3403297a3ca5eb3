"""The services of the running app that views work with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import current_app

from bff.access.browser_owner import BrowserOwner
from bff.access.form_tokens import FormTokens
from bff.access.guard import Guard
from bff.access.idempotency import IdempotencyKeys
from bff.audit import Audit
from bff.branding.brand import Brand
from bff.branding.logos import LogoAddresses, Logos
from bff.enrollment.enrollment import Enrollment
from bff.enrollment.facilities import Facilities
from bff.medblocks.catalog import Catalog
from bff.medblocks.circuit_breaker import CircuitBreaker
from bff.telemetry.dependencies import Dependencies

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.access.invites import Invites

KEY = "medblocks-bff"


@dataclass(frozen=True)
class Services:
    """What `create_app` has wired together."""

    enrollment: Enrollment
    catalog: Catalog
    facilities: Facilities
    guard: Guard
    audit: Audit
    browser: BrowserOwner
    forms: FormTokens
    invites: "Callable[[], Invites]"
    idempotency: IdempotencyKeys
    logos: Logos
    logo_addresses: LogoAddresses
    brand: Brand
    breaker: CircuitBreaker
    dependencies: Dependencies


def services() -> Services:
    """Return the services of the app that answers this request."""
    found: Services = current_app.extensions[KEY]
    return found
