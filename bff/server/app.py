"""Loads the app of `medblocks-bff serve` and `demo`: ours, or a team's own with `--app`."""

import os
import sys
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

from bff.logs import error_location

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from flask import Flask


class AppNotFound(Exception):
    """There is no app where `--app` says; the text is fit for the terminal and the log."""


def create_served_app() -> "Flask":
    """Return our app, with settings from the environment alone: the command line has checked those."""
    # Imported only after the worker has patched the standard library.
    from bff.app import create_app  # noqa: PLC0415 - see above
    from bff.config import load_settings  # noqa: PLC0415 - see above

    return create_app(load_settings(os.environ))


def load_app(target: str, *, reload: bool = False) -> "WSGIApplication":
    """Return the app that a target names: `module:app`, or `module:factory` for what a function returns.

    With `reload`, `.env` is read again, since it may have changed. Raise AppNotFound.
    """
    if reload:
        from bff.config import environment  # noqa: PLC0415 - as in create_served_app

        os.environ.update(environment())
    found = find_app(target)
    app = found() if _takes(found, 0) else found
    if not _takes(app, 2):
        raise AppNotFound(f"{target} returns something that is not a WSGI app.")
    return app  # type: ignore[no-any-return]  # what a module has is not known before


def find_app(target: str) -> Any:
    """Import a target's module, and return its app, or the factory of its app. Raise AppNotFound."""
    name, _, attribute = target.partition(":")
    attribute = attribute.removesuffix("()")
    if not all(part.isidentifier() for part in [*name.split("."), *attribute.split(".")]):
        raise AppNotFound(f"{target} must be a module and a name in it, such as yourapp:application.")
    if os.getcwd() not in sys.path:  # noqa: PTH109 - sys.path has texts
        sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as above
    found = _import(name)
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise AppNotFound(f"{name} has no {attribute}.")
        found = getattr(found, part)
    if not _takes(found, 0) and not _takes(found, 2):
        raise AppNotFound(f"{target} is neither a WSGI app nor a function that returns one.")
    return found


def _import(name: str) -> Any:
    from bff.config import SettingsError  # noqa: PLC0415 - as in create_served_app

    try:
        return import_module(name)
    except SettingsError:
        raise
    except Exception as error:  # noqa: BLE001 - a module may raise anything, with anything in its text
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{name}.".startswith(f"{missing}."):
            text = f"There is no module {missing}, neither in this folder nor among the installed ones."
        elif missing:
            text = f"{name} needs the module {missing}, which is not installed."
        else:
            text = f"Importing {name} fails: {error_location(error)}"
        raise AppNotFound(text) from None


def _takes(found: Any, count: int) -> bool:
    """Return whether something can be called with so many arguments: a WSGI app takes two, a factory none."""
    try:
        signature(found).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:  # it is written in C, and its signature is not known
        return count == 2
    return True
