"""The parts of the running app that views work with."""

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from bff.access.guard import Guard
from bff.access.invites import Invites
from bff.access.origin import FormTokens
from bff.enrollment import Enrollment

_KEY = "medblocks-bff"


@dataclass(frozen=True)
class Parts:
    """What `create_app` joined."""

    enrollment: Enrollment
    guard: Guard
    forms: FormTokens
    invites: Invites


def install(app: Flask, parts: Parts) -> None:
    """Give an app its parts."""
    app.extensions[_KEY] = parts


def _parts() -> Parts:
    return cast("Parts", current_app.extensions[_KEY])


def enrollment() -> Enrollment:
    """Give the rules of enrollment of the app that answers this request."""
    return _parts().enrollment


def guard() -> Guard:
    """Give the guard."""
    return _parts().guard


def forms() -> FormTokens:
    """Give the tokens of forms."""
    return _parts().forms


def invites() -> Invites:
    """Give the invites."""
    return _parts().invites
