"""The brand's colour is readable, whatever the setting."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.branding.brand import DARK, LIGHT, MIN_CONTRAST, ON_DARK_ACCENT, ON_LIGHT_ACCENT, contrast, readable

colors = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("#000000", "#ffffff", 21), ("#777777", "#ffffff", 4.48), ("#123456", "#123456", 1)],
)
def test_the_contrast_follows_wcag(one, other, expected):
    assert contrast(one, other) == pytest.approx(expected, abs=0.005)
    assert contrast(other, one) == contrast(one, other)


@given(colors)
def test_any_colour_becomes_readable_on_both_schemes(color):
    light, dark = readable(color, LIGHT, "#000000"), readable(color, DARK, "#ffffff")

    assert contrast(light, LIGHT) >= MIN_CONTRAST
    assert contrast(light, ON_LIGHT_ACCENT) >= MIN_CONTRAST
    assert contrast(dark, DARK) >= MIN_CONTRAST
    assert contrast(dark, ON_DARK_ACCENT) >= MIN_CONTRAST


def test_a_readable_colour_is_unchanged():
    assert readable("#0b6470", LIGHT, "#000000") == "#0b6470"


def test_the_surfaces_match_the_style_sheet(app):
    sheet = (Path(app.static_folder) / "style.css").read_text()
    light, dark = (dict(re.findall(r"(--[\w-]+): (#\w+);", part)) for part in sheet.split("@media", 1))

    surfaces = ("--page", "--card", "--raised")
    long = {name: re.sub(r"#(\w)(\w)(\w)$", r"#\1\1\2\2\3\3", value) for name, value in light.items()}
    assert max((long[name] for name in surfaces), key=lambda color: contrast(color, "#ffffff")) == LIGHT
    assert max((dark[name] for name in surfaces), key=lambda color: contrast(color, "#000000")) == DARK
    assert (long["--on-accent"], dark["--on-accent"]) == (ON_LIGHT_ACCENT, ON_DARK_ACCENT)
