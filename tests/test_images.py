"""Images are recognized by their content."""

import pytest

from bff.images import MAX_IMAGE_BYTES, read_image


@pytest.mark.parametrize(
    ("body", "mimetype"),
    [
        (b"\x89PNG\r\n\x1a\nrest", "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b"GIF87arest", "image/gif"),
        (b"GIF89arest", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPrest", "image/webp"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- made by hand -->\n<svg>', "image/svg+xml"),
        (b'<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x"><svg >', "image/svg+xml"),
    ],
)
def test_an_image_is_recognized_by_its_content(body, mimetype):
    assert read_image(body).mimetype == mimetype


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"RIFF\x00\x00\x00\x00AVI rest",
        b"<!doctype html><html><svg></svg>",
        b"<html><body><svg>",
        b"<script>alert(1)</script>",
        b"<svgx>",
        b"%PDF-1.7",
        b"PK\x03\x04",
        b"<!--" * 20_000,
    ],
)
def test_other_content_is_not_an_image(body):
    assert read_image(body) is None


def test_an_image_has_a_maximum_size():
    beginning = b"GIF89a"

    assert read_image(beginning.ljust(MAX_IMAGE_BYTES))
    assert read_image(beginning.ljust(MAX_IMAGE_BYTES + 1)) is None
