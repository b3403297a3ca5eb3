"""The kinds of values that settings have, each with a sentence for whoever wrote a wrong one."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from limits import parse_many
from marshmallow import ValidationError, fields
from marshmallow.validate import OneOf, Regexp

from bff.pictures import MAX_PICTURE_BYTES, read_picture


def is_loopback(host: str | None) -> bool:
    """Tell whether a host name or address means this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def split_http_url(url: str) -> SplitResult:
    """Split an absolute http(s) url.

    Raises ValueError, with a sentence for the person who wrote it, when it is anything else, or carries
    credentials, or holds characters that browsers and servers read differently.
    """
    if not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>^`{|}'):
        raise ValueError("Write it in plain ASCII, without spaces, quotes or backslashes.")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # `from None`: urllib's own sentences repeat the url.
        raise ValueError("Check its host and port.") from None
    # urlsplit forgives a missing "//", browsers add it: only the full spelling means the same to both.
    if parts.scheme not in {"http", "https"} or not url.lower().startswith(f"{parts.scheme}://"):
        raise ValueError("Start it with https:// or http://.")
    if not parts.hostname:
        raise ValueError("Name a host in it.")
    if "@" in parts.netloc:
        raise ValueError("Leave user names and passwords out of it.")
    return parts


class HttpUrl(fields.String):
    """An http(s) url without query or fragment; with `origin`, without a path.

    Without `http_anywhere`, http is for this machine alone.
    """

    def __init__(self, *, origin: bool = False, http_anywhere: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.origin = origin
        self.http_anywhere = http_anywhere

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            parts = split_http_url(text)
        except ValueError as error:
            raise ValidationError(f"is not a usable address. {error}") from error
        if parts.query or parts.fragment or text.endswith(("?", "#")):
            raise ValidationError("must not have a query or a fragment.")
        if self.origin and parts.path.strip("/"):
            raise ValidationError("must be an origin alone, such as https://example.com, without a path.")
        if not self.http_anywhere and parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValidationError("must start with https:// (http:// is for this machine alone).")
        return urlunsplit(parts._replace(netloc=parts.netloc.lower(), path=parts.path.rstrip("/")))


class SpaceSeparated(fields.List[Any]):
    """A list written in one variable, separated by white space."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
        try:
            return super()._deserialize(value.split(), *args, **kwargs)
        except ValidationError as error:
            first = next(iter(error.messages_dict.values()))
            raise ValidationError(first) from error


class FileText(fields.String):
    """The path of a file, read as the text in it."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        path = super()._deserialize(value, attr, data, **kwargs)
        try:
            text = Path(path).read_text("ascii").strip()
        except (OSError, ValueError) as error:
            raise ValidationError(
                "names a file that can't be read. Check the path and its rights."
            ) from error
        if not text:
            raise ValidationError("names a file that is empty.")
        return text


class PictureFile(fields.String):
    """The path of a file, read as the picture in it."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        path = Path(super()._deserialize(value, attr, data, **kwargs))
        try:
            with path.open("rb") as file:
                picture = read_picture(file.read(MAX_PICTURE_BYTES + 1))
        except OSError as error:
            raise ValidationError(
                "names a file that can't be read. Check the path and its rights."
            ) from error
        if picture is None:
            limit = MAX_PICTURE_BYTES // 1024
            raise ValidationError(f"must be a PNG, JPEG, GIF, WebP or SVG file of at most {limit} KiB.")
        return picture


class Network(fields.String):
    """An address or a network such as 10.0.0.0/8."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return ipaddress.ip_network(text)
        except ValueError as error:
            raise ValidationError("must be addresses or networks, such as 10.0.0.0/8.") from error


class Limit(fields.String):
    """A limit such as `20/minute`, or several with semicolons."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            parse_many(text)
        except ValueError as error:
            raise ValidationError("must be a limit such as 20/minute, or 20/minute;100/hour.") from error
        return text


def check_redis_url(url: str) -> None:
    """Raise ValidationError for an address of Redis without a host, or with a port that is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = None  # the error's text can hold a part of the password
    if parts is None or parts.hostname is None:
        raise ValidationError("is not a usable address. Check its port, and percent-encode its password.")


def one_of(*words: str) -> OneOf:
    """Allow these words alone."""
    return OneOf(words, error=f"must be one of: {', '.join(words)}.")


def one_word() -> Regexp:
    """Allow one word of visible ASCII characters, as headers can carry it."""
    return Regexp(r"[\x21-\x7e]+\Z", error="must be one word of plain ASCII characters.")
