"""The settings: declared once in `settings.py`, read from the environment, and validated at start."""

from bff.config.checks import no_setting, unknown_names
from bff.config.loading import environment, load_settings
from bff.config.parsers import Secret
from bff.config.settings import ANY_PORT, SETTING_NAMES, Settings, SettingsError

__all__ = [
    "ANY_PORT",
    "SETTING_NAMES",
    "Secret",
    "Settings",
    "SettingsError",
    "environment",
    "load_settings",
    "no_setting",
    "unknown_names",
]
