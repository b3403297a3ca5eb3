"""The kinds of values that settings have, each with a sentence for whoever wrote a wrong one."""

import codecs
import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from limits import parse_many
from marshmallow import ValidationError, fields
from marshmallow.validate import OneOf, Regexp

from bff.images import MAX_IMAGE_BYTES, read_image
from bff.messages import InvalidValue

QUOTES = "\"'`´“”„‟‘’‚‛«»‹›＂＇"  # noqa: RUF001 - the marks that are mistaken for plain ones are meant
IN_QUOTES = "has quotes in its value. Remove them: Docker's env files, for one, keep them."
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::[0-9]*)?", re.ASCII)
_LABEL = re.compile(r"[\w-]{1,63}", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0[Xx][0-9A-Fa-f]*")
_TWO = re.compile(r"[,;]https?:", re.IGNORECASE)


def is_loopback(host: str | None) -> bool:
    """Tell whether a host name or address means this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def split_http_url(url: str) -> SplitResult:
    """Return the parts of an absolute http(s) URL.

    Raise InvalidValue for anything else, for credentials in it, for characters that browsers and servers read
    differently, and for an impossible host.
    """
    if not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>^`{|}'):
        raise InvalidValue("url_characters")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # `from None`: urllib's own sentences repeat the url.
        raise InvalidValue("url_host_and_port") from None
    # urlsplit forgives a missing "//", browsers add it: only the full spelling means the same to both.
    if parts.scheme not in {"http", "https"} or not url.lower().startswith(f"{parts.scheme}://"):
        raise InvalidValue("url_scheme")
    if not parts.hostname:
        raise InvalidValue("url_no_host")
    if "@" in parts.netloc:
        raise InvalidValue("url_credentials")
    if not is_host(parts.netloc):
        raise InvalidValue("url_host")
    return parts


def is_host(netloc: str) -> bool:
    """Check whether a host, with or without a port, can exist, and means the same to browsers as to us."""
    match = _HOST_AND_PORT.fullmatch(netloc)
    if not match:
        return False
    host = match[1]
    try:
        if host.startswith("["):
            return bool(ipaddress.IPv6Address(host[1:-1]))
        labels = host.removesuffix(".").split(".")
        # Browsers read 127.1 and 0x7f.1 as addresses, and write them in four parts.
        if _NUMBER.fullmatch(labels[-1]):
            return bool(ipaddress.IPv4Address(host))
    except ValueError:
        return False
    return len(host) <= 254 and all(_LABEL.fullmatch(label) for label in labels)


def origin_of(url: SplitResult) -> str:
    """Return the origin of a split http(s) url, as browsers write it in the header `Origin`."""
    host = url.hostname or ""
    if ":" in host:
        host = f"[{ipaddress.IPv6Address(host)}]"
    default = url.port is None or url.port == _DEFAULT_PORTS[url.scheme]
    return f"{url.scheme}://{host}" if default else f"{url.scheme}://{host}:{url.port}"


class HttpUrl(fields.String):
    """An http(s) url without query or fragment; with `origin`, without a path. Its origin is normalized.

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
        if "*" in text:
            raise ValidationError("is not a usable address. Write it without wildcards (*).")
        if _TWO.search(text):
            raise ValidationError("is not a usable address. Write one, without commas or semicolons.")
        try:
            parts = split_http_url(text)
        except ValueError as error:
            raise ValidationError(f"is not a usable address. {error}") from error
        self._check_parts(parts, text)
        return f"{origin_of(parts)}{parts.path.rstrip('/')}"

    def _check_parts(self, parts: SplitResult, text: str) -> None:
        if parts.query or parts.fragment or text.endswith(("?", "#")):
            raise ValidationError("must not have a query or a fragment.")
        if self.origin and parts.path.strip("/"):
            raise ValidationError("must be an origin alone, such as https://example.com, without a path.")
        if not self.http_anywhere and parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValidationError("must start with https:// (http:// is for this machine alone).")
        if (parts.hostname or "").endswith("."):
            raise ValidationError(
                "must not have a dot at the end of its host: browsers take that for another host."
            )
        if {".", ".."} & set(parts.path.split("/")):
            raise ValidationError("must not have . or .. in its path.")


class SpaceSeparated(fields.List[Any]):
    """A list written in one variable, separated by white space."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if set(value) & set(",;"):
            raise ValidationError("has a comma or a semicolon. Separate several with spaces.")
        try:
            return super()._deserialize(value.split(), *args, **kwargs)
        except ValidationError as error:
            first = next(iter(error.messages_dict.values()))
            raise ValidationError(first) from error


class FileText(fields.String):
    """The path of a file, read as the text in it: UTF-8, or UTF-16 as PowerShell writes it."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        path = super()._deserialize(value, attr, data, **kwargs)
        try:
            text = _decoded(Path(path).read_bytes()).strip()
        except (OSError, ValueError) as error:
            raise ValidationError(
                "names a file that can't be read. Check the path and its rights."
            ) from error
        if not text:
            raise ValidationError("names a file that is empty.")
        if in_quotes(text):
            raise ValidationError(IN_QUOTES)
        return text


def _decoded(data: bytes) -> str:
    with_bom = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if with_bom else "utf-8-sig")


class ImageFile(fields.String):
    """The path of a file, read as the picture in it."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        path = Path(super()._deserialize(value, attr, data, **kwargs))
        try:
            with path.open("rb") as file:
                picture = read_image(file.read(MAX_IMAGE_BYTES + 1))
        except OSError as error:
            raise ValidationError(
                "names a file that can't be read. Check the path and its rights."
            ) from error
        if picture is None:
            limit = MAX_IMAGE_BYTES // 1024
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
    if parts is None or parts.hostname is None or not is_host(parts.netloc.rpartition("@")[2]):
        raise ValidationError(
            "is not a usable address. Check its host and port, and percent-encode its password."
        )


def one_of(*words: str) -> OneOf:
    """Allow these words alone."""
    return OneOf(words, error=f"must be one of: {', '.join(words)}.")


def in_quotes(text: str) -> bool:
    """Check whether a text begins and ends with a quotation mark, plain or typographic."""
    stripped = text.strip()
    return stripped != "" and stripped[0] in QUOTES and stripped[-1:] in QUOTES


def no_quotes(text: str) -> None:
    """Raise ValidationError for a text with a quotation mark anywhere."""
    if set(text) & set(QUOTES):
        raise ValidationError(IN_QUOTES)


def one_word() -> Regexp:
    """Allow one word of visible ASCII characters, as headers can carry it."""
    return Regexp(r"[\x21-\x7e]+\Z", error="must be one word of plain ASCII characters.")
