"""Reads gettext catalogs as they are written (`.po`), so that nothing has to be compiled before a start."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError, get_locale_identifier, parse_locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from bff.messages import TEXTS

_FORMATTED = frozenset(TEXTS.values())  # with `{name}`; the templates' texts have `%(name)s`
# Placeholders, escapes, and what is neither: a single brace, or a `%` that formats nothing.
_BRACES = re.compile(r"\{\{|\}\}|\{[^{}]*\}|[{}]")
_PERCENTS = re.compile(r"%(?:\(\w+\)s|%|)")
_COUNTS = 200  # no rule for plurals needs more to show that it works


class UnusableCatalogs(ValueError):
    """Some catalogs can't be used; `problems` has the file's name and the reason of each."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_catalogs(folder: Path) -> dict[str, bytes]:
    """Return the compiled catalog of each language in a folder: `es.po`, `pt-BR.po` and so on.

    Raise UnusableCatalogs with the problems of all files.
    """
    names: dict[str, str] = {}
    compiled: dict[str, bytes] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*.po")):
        try:
            code = _language_code(path)
            if other := names.get(code):
                problems.append(f"{path.name} is for the same language as {other}: keep one of them")
            names[code] = path.name
            compiled[code] = _compile(path, path.stat().st_mtime_ns)
        except UnusableCatalogs as error:
            problems += error.problems
    if problems:
        raise UnusableCatalogs(*problems)
    return compiled


def _language_code(path: Path) -> str:
    """Return the code in a file's name as it is usually written: `pt-BR` for `PT-br.po`."""
    try:
        Locale.parse(path.stem, sep="-")
        return get_locale_identifier(parse_locale(path.stem, sep="-"), sep="-")
    except (ValueError, UnknownLocaleError) as error:
        raise UnusableCatalogs(f"{path.name} is not named after a language, such as fr.po") from error


@cache
def _compile(path: Path, _changed: int) -> bytes:
    try:
        with path.open("rb") as file:
            catalog = read_po(file, abort_invalid=True)
        compiled = _without_gaps(catalog)
        _try_plurals(compiled)
    except (OSError, ValueError, LookupError, ArithmeticError, PoFileError) as error:
        raise UnusableCatalogs(f"{path.name} is not a gettext catalog ({type(error).__name__})") from error
    if problems := [f"{path.name}: {problem}" for problem in _placeholder_problems(catalog)]:
        raise UnusableCatalogs(*problems)
    return compiled


def _without_gaps(catalog: Catalog) -> bytes:
    """Return the compiled catalog. A text that lacks a form is left out, since Babel would add English."""
    for message in list(catalog):
        if message.pluralizable and not all(message.string or ()):
            catalog.delete(message.id, message.context)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    return compiled.getvalue()


def _try_plurals(compiled: bytes) -> None:
    """Raise ValueError or ArithmeticError if the rule for plurals fails, which gettext evaluates late."""
    translations = GNUTranslations(BytesIO(compiled))
    for number in range(_COUNTS):
        translations.ngettext("", "", number)


def _placeholder_problems(catalog: Catalog) -> Iterator[str]:
    """Yield the texts whose translations can't be filled in: each would be an error on a page."""
    for message in catalog:
        if not message.id or not message.string or message.fuzzy:
            continue
        ids, strings = _forms(message.id), _forms(message.string)
        pattern = _BRACES if ids[0] in _FORMATTED else _PERCENTS
        needed, allowed = (_placeholders(text, pattern) for text in (ids[0], ids[-1]))
        if not all(needed <= _placeholders(string, pattern) <= needed | allowed for string in strings):
            sign = "braces as {{ and }}" if pattern is _BRACES else "a % sign as %%"
            wanted = ", ".join(sorted(needed | allowed)) or "none"
            yield f'the translation of "{ids[0]}" must keep its placeholders ({wanted}); write {sign}'


def _forms(text: str | Sequence[str]) -> Sequence[str]:
    return [text] if isinstance(text, str) else text


def _placeholders(text: str, pattern: re.Pattern[str]) -> set[str]:
    return set(pattern.findall(text)) - {"%%", "{{", "}}"}
