"""The settings: read from the environment and `.env`, validated once at start, the secrets never printed."""

import os
from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream
from marshmallow import ValidationError

from bff.config.fields import IN_QUOTES, QUOTES, in_quotes, is_loopback, origin_of, split_http_url
from bff.config.names import no_setting, unknown_names
from bff.config.schema import SettingsSchema
from bff.config.settings import Secret, Settings, SettingsError

__all__ = [
    "SETTING_NAMES",
    "Secret",
    "Settings",
    "SettingsError",
    "environment",
    "is_loopback",
    "load_settings",
    "no_setting",
    "origin_of",
    "split_http_url",
    "unknown_names",
]

SETTING_NAMES = SettingsSchema().names()


def load_settings(values: Mapping[str, str]) -> Settings:
    """Build `Settings` from variables by name.

    Raises SettingsError with one line for each problem. The lines name variables and never their values.
    """
    quoted = {name: IN_QUOTES for name in SETTING_NAMES if in_quotes(values.get(name, ""))}
    try:
        # Without the quotes, all other problems show at once, and no more than there are.
        settings: Settings = SettingsSchema().load({**values, **_unquoted(values, quoted)})
        messages = {}
    except ValidationError as error:
        messages = {
            name: texts if isinstance(texts, str) else texts[0] for name, texts in error.messages_dict.items()
        }
    # Not in `except`: marshmallow keeps the values, the key among them, on its error.
    if messages or quoted:
        raise SettingsError([f"{name} {text}" for name, text in {**messages, **quoted}.items()])
    return settings


def _unquoted(values: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    return {name: values[name].strip().strip(QUOTES) for name in names}


def environment(dotenv: Path = Path(".env")) -> dict[str, str]:
    """Give the variables of the process over those of a `.env` file in the working directory, if any.

    Raises SettingsError for a file with anything in it that can't be read.
    """
    return {**(_from_file(dotenv) if dotenv.is_file() else {}), **os.environ}


def _from_file(dotenv: Path) -> dict[str, str]:
    try:
        text = dotenv.read_text("utf-8-sig")
    except (OSError, UnicodeError):
        # `from None`: a UnicodeError holds what is in the file.
        raise SettingsError([f"{dotenv} can't be read. Save it as UTF-8, and check its rights."]) from None
    wrong = [_line(binding) for binding in parse_stream(StringIO(text)) if _sets_nothing(binding)]
    if wrong:
        raise SettingsError([f"{dotenv}, line {line}, can't be read. Write NAME=value." for line in wrong])
    return {name: value for name, value in dotenv_values(stream=StringIO(text)).items() if value}


def _sets_nothing(binding: Binding) -> bool:
    return binding.error or (binding.key is not None and binding.value is None)


def _line(binding: Binding) -> int:
    # The library counts the empty lines before a line as a part of it.
    whole = binding.original.string
    return binding.original.line + whole[: len(whole) - len(whole.lstrip())].count("\n")
