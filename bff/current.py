"""The parts of the running app that views work with."""

from typing import cast

from flask import Flask, current_app

from bff.enrollment import Enrollment

_KEY = "medblocks-bff"


def install(app: Flask, enrollment: Enrollment) -> None:
    """Give an app its parts."""
    app.extensions[_KEY] = enrollment


def enrollment() -> Enrollment:
    """Give the enrollment of the app that answers the current request."""
    return cast("Enrollment", current_app.extensions[_KEY])
