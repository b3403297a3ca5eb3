"""Recognizes images by their content, whatever media type a server declares."""

import re
from dataclasses import dataclass

MAX_IMAGE_BYTES = 128 * 1024

_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
# An XML declaration, comments and a document type may precede the root element.
_SVG = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<(?:\?xml|!--|!DOCTYPE)[^>]*>\s*){0,8}<svg[\s>]")


@dataclass(frozen=True)
class Image:
    """A small image and its media type."""

    body: bytes
    mimetype: str


def read_image(body: bytes) -> Image | None:
    """Return the image if it is a PNG, JPEG, GIF, WebP or SVG of at most MAX_IMAGE_BYTES, else None."""
    if len(body) > MAX_IMAGE_BYTES:
        return None
    mimetype = next((kind for signature, kind in _SIGNATURES.items() if body.startswith(signature)), None)
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        mimetype = "image/webp"
    elif _SVG.match(body[:4096]):
        mimetype = "image/svg+xml"
    return Image(body, mimetype) if mimetype else None
