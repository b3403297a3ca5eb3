"""`docs/recipes.md`: its code is that of the examples, which tests run in a browser."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
SECTIONS = re.split(r"^## ", (DOCS / "recipes.md").read_text(), flags=re.MULTILINE)[1:]
# A line that starts with a link to an example, or the start or end of a block of code.
_LINE = re.compile(
    r"^\[`[^`]+`\]\((\.\./examples/[^)]+)\)|^```(\w*)$(?:(.*?)^```$)", re.MULTILINE | re.DOTALL
)


def quotations(section):
    """Yield each block of code with the file of the link before it; commands are no part of a file."""
    file = None
    for link, language, code in _LINE.findall(section):
        file = link or file
        if language and language != "sh":
            yield file, code.strip("\n")


@pytest.mark.parametrize(
    ("file", "code"),
    [each for section in SECTIONS for each in quotations(section)],
    ids=lambda text: text[-20:],
)
def test_the_code_is_that_of_an_example(file, code):
    assert code in (DOCS / file).read_text()


def test_every_recipe_with_an_example_has_a_test():
    assert [section.splitlines()[0] for section in SECTIONS] == [
        "A plain page on another port",
        "Vite and React",
        "htmx",
    ]
    assert len([each for section in SECTIONS for each in quotations(section)]) == 7
