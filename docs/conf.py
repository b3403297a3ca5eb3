"""The documentation site: `make docs` builds it from the Markdown that the repository shows.

The source is the whole checkout, so that a relative link leads to the same page on the site as in the
repository.
"""

import logging
import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import bff  # noqa: E402 - found by the line above
from tools.openapi_reference import reference  # noqa: E402 - the same

project = "medblocks-bff"
author = "the medblocks-bff contributors"
version = release = bff.__version__

extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/*.md"]
exclude_patterns = [each.name for each in ROOT.iterdir() if each.is_dir() and each.name != "docs"]
templates_path = ["_templates"]

myst_enable_extensions = ["html_image"]
myst_heading_anchors = 4
smartquotes = False  # a quotation mark or two dashes may be part of a command

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_additional_pages = {"index": "index.html"}  # leads to root_doc, which is in a folder
html_copy_source = False
html_show_copyright = False
html_use_index = False


def toctrees(index: str) -> str:
    """Return the table of contents for the links of the index page: one part for each of its headings."""
    parts = re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", index, re.MULTILINE | re.DOTALL)
    return "".join(
        "\n".join(["", "```{toctree}", ":hidden:", f":caption: {title}", "", *_pages(text), "```", ""])
        for title, text in parts
    )


def _pages(text: str) -> list[str]:
    """Return the links of a part of the index as a toctree has them: a title, and a path in the checkout."""
    links = re.findall(r"^- \[([^]]+)\]\(([^)#]+)\.md\)", text, re.MULTILINE)
    return [f"{title} </docs/{target}>".replace("/docs/../", "/") for title, target in links]


def openapi() -> str:
    """Return the reference of the routes, from the OpenAPI document of an app."""
    logging.getLogger("bff").setLevel(logging.CRITICAL)
    app = bff.create_app(bff.load_settings({"MEDBLOCKS_API_KEY": "mb_sk_sbx_documentation"}))
    return reference(app.test_client().get("/api/openapi.json").json)


def complete(_: Sphinx, page: str, source: list[str]) -> None:
    """Add to two pages what the repository does not show there."""
    if page == root_doc:
        source[0] += toctrees(source[0])
    if page == "docs/openapi":
        source[0] += openapi()


def setup(app: Sphinx) -> None:
    """Connect to Sphinx."""
    app.connect("source-read", complete)
