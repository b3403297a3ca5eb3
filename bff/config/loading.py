"""Loads `Settings` from variables, and reports all problems at once."""

import dataclasses
import os
from collections.abc import Collection, Mapping
from dataclasses import replace

from marshmallow import EXCLUDE, Schema, ValidationError

from bff.config.checks import combination_problems, key_problems, misspelled_names
from bff.config.parsers import IN_QUOTES, QUOTES, in_quotes
from bff.config.settings import SETTING_NAMES, Settings, SettingsError

_SettingsSchema = Schema.from_dict(
    {setting.name: setting.metadata["marshmallow"] for setting in dataclasses.fields(Settings)},
    name="SettingsSchema",
)


def load_settings(values: Mapping[str, str]) -> Settings:
    """Return the settings for variables by name; empty variables count as absent.

    Raise SettingsError with a line for each problem. The lines have the variables' names, never their values.
    """
    texts = {name: text.strip() for name, text in values.items() if text}
    quoted = [name for name in SETTING_NAMES if in_quotes(texts.get(name, ""))]
    # Parsed without the quotes, these variables cause no further problems.
    texts |= {name: texts[name].strip(QUOTES).strip() for name in quoted}
    texts = {name: text for name, text in texts.items() if text}
    given = [name for name in SETTING_NAMES if name in texts]
    problems = misspelled_names(texts) | key_problems(given)
    try:
        settings = _with_defaults(Settings(**_SettingsSchema().load(texts, unknown=EXCLUDE)), given)
    except ValidationError as error:
        problems |= {name: messages[0] for name, messages in error.messages_dict.items()}
    else:
        problems |= combination_problems(settings, given)
    problems |= dict.fromkeys(quoted, IN_QUOTES)
    # Not in `except`: marshmallow's error has the values, and one of them is the key.
    if problems:
        raise SettingsError([f"{name} {problem}" for name, problem in problems.items()])
    return settings


def _with_defaults(settings: Settings, given: Collection[str]) -> Settings:
    """Return the settings with the defaults that depend on other settings."""
    settings = replace(settings, api_key=settings.api_key_file or settings.api_key)
    return replace(
        settings,
        access=_access(settings),
        ca_file=settings.ca_file or settings.ssl_cert_file,
        host_check="BFF_PUBLIC_URL" in given if settings.host_check is None else settings.host_check,
        return_urls=settings.return_urls or (f"{settings.public_url}/connected",),
        secret=settings.secret if settings.secret.reveal() else settings.api_key,
        upstream_calls_address=settings.upstream_calls_address
        or max(1, min(settings.upstream_calls, settings.requests) // 2),
        processes=settings.processes or _processes(settings),
        jwt_algorithms=settings.jwt_algorithms
        or (("RS256", "ES256") if settings.jwt_jwks_url else ("HS256",)),
    )


def _access(settings: Settings) -> str:
    if settings.access != "auto":
        return settings.access
    return "report" if settings.trial else "enforce"


def _processes(settings: Settings) -> int:
    # Several processes can share their counters only in Redis.
    return len(os.sched_getaffinity(0)) if settings.redis_url else 1
