"""The backend-for-frontend between a browser and Medblocks: `create_app(settings)` returns the Flask app.

The public names are imported on first use: the server's workers let gevent patch the standard library before
anything that uses it is imported.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bff.access.invites import invite_url
    from bff.app import create_app
    from bff.config import Settings, load_settings
    from bff.logs import configure_logging

__version__ = "0.1.0"
__all__ = ["Settings", "configure_logging", "create_app", "invite_url", "load_settings"]

_MODULES = {
    "Settings": "bff.config",
    "configure_logging": "bff.logs",
    "create_app": "bff.app",
    "invite_url": "bff.access.invites",
    "load_settings": "bff.config",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
