"""Reads variables from the environment and from a `.env` file."""

import os
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

from bff.config.settings import SettingsError


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
