"""Messages: each raised code has one, and each one is used."""

import ast
import re
import string
from pathlib import Path

from bff.messages import TEXTS, Message
from bff.middleware.errors import _HTTP, _REJECTED
from bff.server.error_responses import CODES

ROOT = Path(__file__).parents[1] / "bff"
SOURCES = [
    path for path in ROOT.rglob("*.py") if path != ROOT / "messages.py" and "sandbox" not in path.parts
]


def texts():
    """Return every string literal of the product."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def computed():
    """Return the codes that are built from parts."""
    missing = ("patient", "patient session", "connection", "facility", "image", "invitation")
    return {
        *(f"no_{what.replace(' ', '_')}" for what in missing),
        *(f"rejected_{param}" for param in _REJECTED),
        *_HTTP.values(),
        *CODES.values(),
        *("name_missing", "email_missing", "wait_second", "wait_seconds"),
    }


def test_every_message_is_used():
    assert set(TEXTS) <= {*texts(), *computed()}


def test_every_raised_code_has_a_message():
    source = "\n".join(path.read_text() for path in SOURCES)
    raised = re.findall(r'(?:Message|InvalidValue)\(\s*"(\w+)"', source)
    codes = re.findall(r'^    code = "(\w+)"', source, re.MULTILINE)

    assert {*raised, *codes} - {"invalid_request"} <= set(TEXTS)


def test_every_computed_code_has_a_message():
    assert computed() <= set(TEXTS)


def filled(code):
    """Return a message with 7 in each of its placeholders."""
    names = [name for _, name, _, _ in string.Formatter().parse(TEXTS[code]) if name]
    return str(Message(code, dict.fromkeys(names, 7)))


def test_each_message_fills_its_placeholders():
    assert [code for code in TEXTS if "{" in filled(code)] == []


def test_each_message_ends_like_a_sentence():
    assert [text for text in TEXTS.values() if not text.endswith((".", "}"))] == []
