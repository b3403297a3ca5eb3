"""The parts of the running app that views work with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Flask, current_app

from bff.access.form_tokens import FormTokens
from bff.access.guard import Guard
from bff.access.idempotency import IdempotencyKeys
from bff.branding.brand import Brand
from bff.branding.logos import LogoAddresses, Logos
from bff.enrollment.enrollment import Enrollment
from bff.enrollment.facilities import Facilities
from bff.medblocks.catalog import Catalog

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.access.invites import Invites

_KEY = "medblocks-bff"


@dataclass(frozen=True)
class Parts:
    """What `create_app` joined."""

    enrollment: Enrollment
    catalog: Catalog
    facilities: Facilities
    guard: Guard
    forms: FormTokens
    invites: "Callable[[], Invites]"
    idempotency: IdempotencyKeys
    logos: Logos
    logo_addresses: LogoAddresses
    brand: Brand


def install(app: Flask, parts: Parts) -> None:
    """Give an app its parts."""
    app.extensions[_KEY] = parts


def _parts() -> Parts:
    parts: Parts = current_app.extensions[_KEY]
    return parts


def enrollment() -> Enrollment:
    """Give the rules of enrollment of the app that answers this request."""
    return _parts().enrollment


def guard() -> Guard:
    """Give the guard."""
    return _parts().guard


def forms() -> FormTokens:
    """Give the tokens of forms."""
    return _parts().forms


def invites() -> "Invites":
    """Give the invites."""
    return _parts().invites()


def idempotency() -> IdempotencyKeys:
    """Give the idempotency keys that were seen."""
    return _parts().idempotency


def catalog() -> Catalog:
    """Give the catalog of facilities."""
    return _parts().catalog


def facilities() -> Facilities:
    """Give the look-up of connected facilities."""
    return _parts().facilities


def logos() -> Logos:
    """Give the facilities' logos."""
    return _parts().logos


def logo_addresses() -> LogoAddresses:
    """Give the addresses of the logos."""
    return _parts().logo_addresses


def brand() -> Brand:
    """Give what the pages show of the organisation."""
    return _parts().brand
