"""Collects what has to be translated, and brings the catalogs up to date: `make translations`."""

import re
import sys
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from bff.messages import TEXTS

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "bff" / "translations"
TEMPLATE = FOLDER / "messages.pot"
_UNUSED_HEADERS = tuple(
    f'"{name}'.encode()
    for name in (
        "Generated-By",
        "Language-Team",
        "Last-Translator",
        "PO-Revision",
        "POT-Creation",
        "Project-Id",
        "Report-Msgid",
    )
)
_OPTIONS = {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"}


def extracted() -> Catalog:
    """Return a catalog of all texts in the templates and in `bff.messages`."""
    catalog = Catalog(project="medblocks-bff", charset="utf-8")
    for path in sorted((ROOT / "templates").glob("*.html")):
        found = extract("jinja2.ext.babel_extract", BytesIO(path.read_bytes()), options=_OPTIONS)
        for _, text, _, _ in found:
            catalog.add(text, locations=[(f"templates/{path.name}", None)])
    for code, text in TEXTS.items():
        catalog.add(text, locations=[("bff/messages.py", None)], auto_comments=[code])
    return catalog


def read(path: Path) -> Catalog:
    """Return the catalog in a file."""
    with path.open("rb") as file:
        return read_po(file)


def text_of(catalog: Catalog) -> bytes:
    """Return a catalog as the text of a file, without dates."""
    written = BytesIO()
    write_po(written, catalog, width=110, omit_header=False, sort_output=False, include_lineno=False)
    lines = written.getvalue().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(_UNUSED_HEADERS))


def write_invented_languages(folder: Path) -> None:
    """Write two invented languages: `eo` is longer and in brackets, `ar` goes from right to left."""
    accents = str.maketrans("aeiounAEIOUN", "àéîöûñÀÉÎÖÛÑ")
    hebrew = str.maketrans({chr(97 + n): chr(0x5D0 + n) for n in range(26)})
    invented = {
        "eo": lambda text: f"⟦{text.translate(accents)} {'·' * (len(text) // 3)}⟧",
        "ar": lambda text: text.lower().translate(hebrew),
    }
    for code, translate in invented.items():
        catalog = extracted()
        for message in catalog:
            if message.id:
                translated = [_outside_placeholders(text, translate) for text in _texts(message.id)]
                message.string = translated[0] if isinstance(message.id, str) else tuple(translated)
        path = folder / f"{code}.po"
        path.write_bytes(text_of(catalog))


def _texts(id_: str | Sequence[str]) -> Sequence[str]:
    return [id_] if isinstance(id_, str) else id_


def _outside_placeholders(text: str, translate: Callable[[str], str]) -> str:
    parts = re.split(r"(%\(\w+\)s|\{[^}]*\})", text)
    return "".join(part if number % 2 or not part else translate(part) for number, part in enumerate(parts))


def main() -> None:
    """Write the template, and add what is new to each catalog."""
    template = extracted()
    TEMPLATE.write_bytes(text_of(template))
    for path in sorted(FOLDER.glob("*.po")):
        catalog = read(path)
        catalog.update(template, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        path.write_bytes(text_of(catalog))
        missing = sum(not message.string or message.string == ("", "") for message in catalog if message.id)
        sys.stdout.write(f"{path.name}: {missing} of {len(catalog)} texts to translate\n")


if __name__ == "__main__":
    main()
