"""The backend-for-frontend between a browser and Medblocks: `create_app(settings)` gives the Flask app.

`app.py` joins the parts. It is imported when it is first asked for: the command line lets gevent replace
parts of the standard library before anything that uses them is imported.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bff.app import create_app
    from bff.config import Settings, load_settings
    from bff.logs import configure_logging

__version__ = "0.1.0"
__all__ = ["Settings", "configure_logging", "create_app", "load_settings"]

_HOMES = {
    "Settings": "bff.config",
    "configure_logging": "bff.logs",
    "create_app": "bff.app",
    "load_settings": "bff.config",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
