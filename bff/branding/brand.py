"""The organisation's name, logo and colour. The colour is adjusted until its contrast is sufficient."""

import hashlib
from dataclasses import dataclass

from bff.config import Settings
from bff.config.parsers import Contact
from bff.images import Image

MIN_CONTRAST = 4.5  # WCAG 2.2, 1.4.3, for text
# The darkest light and the lightest dark surface of style.css, and the text on the accent colour.
LIGHT, ON_LIGHT_ACCENT = "#f3f6f7", "#ffffff"
DARK, ON_DARK_ACCENT = "#1d2b33", "#06171b"


@dataclass(frozen=True)
class Brand:
    """The organisation as the pages show it. `version` is for caches: it changes with CSS and logo."""

    name: str | None
    logo: Image | None
    logo_dark: Image | None
    css: str | None
    version: str
    purpose: str | None
    privacy_url: str | None
    support: Contact | None


def brand_of(settings: Settings) -> Brand:
    """Return the brand in the settings."""
    css = _css(settings.brand_color) if settings.brand_color else None
    logo, logo_dark = settings.brand_logo, settings.brand_logo_dark
    cached = (css or "").encode() + b"".join(image.body for image in (logo, logo_dark) if image)
    return Brand(
        name=settings.brand_name,
        logo=logo,
        logo_dark=logo_dark,
        css=css,
        version=hashlib.sha256(cached).hexdigest()[:8],
        purpose=settings.purpose,
        privacy_url=settings.privacy_url,
        support=settings.support,
    )


def readable(color: str, surface: str, towards: str) -> str:
    """Mix a colour with another until it has MIN_CONTRAST to a surface. All are `#rrggbb`."""
    mixes = (_mix(color, towards, share / 50) for share in range(51))
    return next(mixed for mixed in mixes if contrast(mixed, surface) >= MIN_CONTRAST)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21, as WCAG 2.2 defines it."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _css(color: str) -> str:
    light = readable(color, LIGHT, "#000000")
    dark = readable(color, DARK, "#ffffff")
    return (
        f":root{{--accent:{light};--on-accent:{ON_LIGHT_ACCENT}}}"
        f"@media (prefers-color-scheme:dark){{:root{{--accent:{dark};--on-accent:{ON_DARK_ACCENT}}}}}\n"
    )


def _channels(color: str) -> list[int]:
    return [int(color[start : start + 2], 16) for start in (1, 3, 5)]


def _mix(color: str, towards: str, share: float) -> str:
    pairs = zip(_channels(color), _channels(towards), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _luminance(color: str) -> float:
    parts = [channel / 255 for channel in _channels(color)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
