"""Reads gettext catalogs as they are written (`.po`), so that nothing has to be compiled before a start."""

from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po


class UnreadableCatalog(ValueError):
    """A catalog can't be used; the text has the file's name and the reason."""


def read_catalogs(folder: Path) -> dict[str, bytes]:
    """Return the compiled catalog of each language in a folder: `es.po`, `pt-BR.po` and so on.

    Raise UnreadableCatalog.
    """
    return {path.stem: _compile(path, path.stat().st_mtime_ns) for path in sorted(folder.glob("*.po"))}


@cache
def _compile(path: Path, _changed: int) -> bytes:
    try:
        Locale.parse(path.stem, sep="-")
    except (ValueError, UnknownLocaleError) as error:
        raise UnreadableCatalog(f"{path.name} is not named after a language, such as fr.po") from error
    try:
        with path.open("rb") as file:
            catalog = read_po(file, abort_invalid=True)
    except (OSError, ValueError, PoFileError) as error:
        raise UnreadableCatalog(f"{path.name} is not a gettext catalog ({type(error).__name__})") from error
    compiled = BytesIO()
    write_mo(compiled, catalog)
    return compiled.getvalue()
