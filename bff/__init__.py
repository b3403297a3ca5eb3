"""The backend-for-frontend between a browser and Medblocks."""

from pathlib import Path

from flask import Flask

from bff import api, current, errors, observe, pages
from bff.access.return_urls import ReturnUrls
from bff.config import Settings, environment, load_settings
from bff.enrollment import Enrollment
from bff.medblocks.client import Medblocks
from bff.medblocks.transport import Transport

__version__ = "0.1.0"
__all__ = ["Settings", "create_app"]

_PACKAGE = Path(__file__).resolve().parent
# In a checkout the two folders stand beside the package, in an installed wheel inside it.
_ASSETS = _PACKAGE if (_PACKAGE / "templates").is_dir() else _PACKAGE.parent


def create_app(settings: Settings | None = None) -> Flask:
    """Build the app from settings, by default those of the environment.

    Raises SettingsError when the environment's can't be used.
    """
    settings = settings or load_settings(environment())
    app = Flask(__name__, template_folder=str(_ASSETS / "templates"), static_folder=str(_ASSETS / "static"))
    app.config["MAX_CONTENT_LENGTH"] = errors.MAX_BODY_BYTES
    medblocks = Medblocks(Transport(settings.base_url, settings.api_key, settings.api_version))
    return_urls = ReturnUrls(settings.return_urls)
    current.install(app, Enrollment(medblocks, return_urls, settings.signup_source))
    observe.init_app(app)
    errors.init_app(app)
    api.init_app(app, __version__)
    pages.init_app(app)
    return app
