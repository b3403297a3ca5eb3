"""Which bytes are a picture that a browser may be given: by their own look, whatever a server calls them."""

import re
from dataclasses import dataclass

MAX_IMAGE_BYTES = 128 * 1024

_BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
# What may stand before the root element: a declaration, comments, a document type.
_SVG = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<(?:\?xml|!--|!DOCTYPE)[^>]*>\s*){0,8}<svg[\s>]")


@dataclass(frozen=True)
class Image:
    """A small picture, and its media type."""

    body: bytes
    mimetype: str


def read_image(body: bytes) -> Image | None:
    """Recognise a PNG, JPEG, GIF, WebP or SVG of at most MAX_IMAGE_BYTES; None for anything else."""
    if len(body) > MAX_IMAGE_BYTES:
        return None
    mimetype = next((kind for beginning, kind in _BEGINNINGS.items() if body.startswith(beginning)), None)
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        mimetype = "image/webp"
    elif _SVG.match(body[:4096]):
        mimetype = "image/svg+xml"
    return Image(body, mimetype) if mimetype else None
