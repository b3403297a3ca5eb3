"""Reads variables from the environment and a `.env` file, and loads `Settings` from them."""

import dataclasses
import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream
from marshmallow import EXCLUDE, Schema, ValidationError

from bff.config.checks import combination_problems, key_problems, misspelled_names
from bff.config.parsers import IN_QUOTES, QUOTES, in_quotes
from bff.config.settings import SETTING_NAMES, Settings, SettingsError

_SettingsSchema = Schema.from_dict(
    {setting.name: setting.metadata["marshmallow"] for setting in dataclasses.fields(Settings)},
    name="SettingsSchema",
)


def environment(dotenv: Path = Path(".env")) -> dict[str, str]:
    """Return the variables of the process and of the `.env` file in the working directory; the process wins.

    Raise SettingsError for a file with lines that can't be parsed.
    """
    return {**(_read(dotenv) if dotenv.is_file() else {}), **os.environ}


def _read(dotenv: Path) -> dict[str, str]:
    try:
        text = dotenv.read_text("utf-8-sig")
    except (OSError, UnicodeError):
        # `from None`: a UnicodeError contains the file's content.
        problem = f"{dotenv} can't be read. Save it as UTF-8, and check its permissions."
        raise SettingsError([problem]) from None
    invalid = [_line_number(binding) for binding in parse_stream(StringIO(text)) if _sets_nothing(binding)]
    if invalid:
        raise SettingsError([f"{dotenv}, line {line}, can't be read. Write NAME=value." for line in invalid])
    return {name: value for name, value in dotenv_values(stream=StringIO(text)).items() if value}


def _sets_nothing(binding: Binding) -> bool:
    return binding.error or (binding.key is not None and binding.value is None)


def _line_number(binding: Binding) -> int:
    # python-dotenv counts the empty lines before a binding as part of it.
    source = binding.original.string
    return binding.original.line + source[: len(source) - len(source.lstrip())].count("\n")


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
