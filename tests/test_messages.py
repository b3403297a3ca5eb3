"""Messages: each raised code has one, and each one is used."""

import ast
import re
import string
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_raised_code_has_a_message(path):
    raised = re.findall(r'(?:Message|InvalidValue)\(\s*"(\w+)"', path.read_text())
    codes = re.findall(r'^    code = "(\w+)"', path.read_text(), re.MULTILINE)

    assert {*raised, *codes} - {"invalid_request"} <= set(TEXTS)


@pytest.mark.parametrize("code", sorted(computed()))
def test_every_computed_code_has_a_message(code):
    assert code in TEXTS


@pytest.mark.parametrize("code", TEXTS)
def test_message_fills_its_placeholders(code):
    names = [name for _, name, _, _ in string.Formatter().parse(TEXTS[code]) if name]

    assert "{" not in str(Message(code, dict.fromkeys(names, 7)))


@pytest.mark.parametrize("code", TEXTS)
def test_message_ends_like_a_sentence(code):
    assert TEXTS[code].endswith((".", "}"))
