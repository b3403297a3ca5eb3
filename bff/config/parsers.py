"""Parsers for settings: functions from a variable's text to its value.

They raise ValidationError with what to correct. Its message follows the variable's name, and does not
contain the text. marshmallow's validators are parsers, too: they return the text if it is valid.
"""

import codecs
import ipaddress
import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import SplitResult, urlsplit

from limits import parse_many
from marshmallow import ValidationError
from marshmallow.validate import And, Email, Length, OneOf, Regexp

from bff.config.catalogs import UnusableCatalogs, read_catalogs
from bff.images import MAX_IMAGE_BYTES, Image, read_image
from bff.medblocks.urls import is_host, is_loopback, origin_of, split_http_url
from bff.messages import InvalidValue

T = TypeVar("T")
N = TypeVar("N", int, float)

QUOTES = "\"'`´“”„‟‘’‚‛«»‹›＂＇"  # noqa: RUF001 - these marks are meant: people paste them
IN_QUOTES = "has quotes in its value. Remove them: Docker's env files, for one, keep them."
UNREADABLE = "names a file that can't be read. Check the path and its permissions."

_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{4,24}[0-9]")
_ANY_PORT = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\]):\*", re.IGNORECASE)
_TWO_URLS = re.compile(r"[,;]https?:", re.IGNORECASE)


class Secret:
    """A text that `str`, `repr` and log lines never show."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret(…)"

    def reveal(self) -> str:
        """Return the text."""
        return self._text


word = Regexp(r"[\x21-\x7e]+\Z", error="must be one word of plain ASCII characters.")
color = Regexp(r"#[0-9A-Fa-f]{6}\Z", error="must be a colour such as #0b6470.")
header_name = Regexp(r"[A-Za-z0-9-]+\Z", error="must be the name of a header.")
claims = And(  # doubled braces, since marshmallow formats its errors
    Regexp(r"[^{}]*(\{[^{}]+\}[^{}]*)+\Z", error="must name a claim in braces, such as {{sub}}."),
    Regexp(r"(?!.*\}\{)", error="must have text between two claims, such as {{tenant}}:{{sub}}."),
)
_version = Regexp(r"(\d{4}-\d{2}-\d{2}|key)\Z", error="must be a date such as 2026-04-25, or key.")


def choice(*words: str) -> Callable[[str], str]:
    """Return a parser for one of these words."""
    return OneOf(words, error=f"must be one of: {', '.join(words)}.")


def short(limit: int) -> Callable[[str], str]:
    """Return a parser for texts with a maximum length."""
    return Length(max=limit, error=f"must not be longer than {limit} characters.")


def each(parser: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """Return a parser for a list of values, separated by white space."""

    def parse(value: str) -> tuple[T, ...]:
        if set(value) & set(",;"):
            raise ValidationError("has a comma or a semicolon. Separate several with spaces.")
        return tuple(parser(item) for item in value.split())

    return parse


def _number(convert: Callable[[str], N], name: str, low: N, high: N, unit: str) -> Callable[[str], N]:
    def parse(value: str) -> N:
        try:
            number = convert(value)
        except ValueError:
            raise ValidationError(f"must be {name}.") from None
        if not low <= number <= high:  # NaN is in no range
            raise ValidationError(f"must be {low} to {high}{unit}.")
        return number

    return parse


def integer(low: int, high: int, unit: str = "") -> Callable[[str], int]:
    """Return a parser for a whole number in a range; errors name the unit, such as " seconds"."""
    return _number(int, "a whole number", low, high, unit)


count = integer(1, 10_000)
seconds = _number(float, "a number of seconds", 0.1, 120, " seconds")


def on_off(value: str) -> bool:
    """Parse `on` or `off`."""
    if value not in {"on", "off"}:
        raise ValidationError("must be on or off.")
    return value == "on"


def api_version(value: str) -> str | None:
    """Parse a date, or `key` as None, for the version that is pinned on the API key."""
    return None if _version(value) == "key" else value


def api_key(value: str) -> Secret:
    """Parse an API key, which must fit into a header."""
    if set(word(value)) & set(QUOTES):
        raise ValidationError(IN_QUOTES)
    return Secret(value)


def api_key_file(path: str) -> Secret:
    """Read the key from a file: UTF-8, or UTF-16 with a byte order mark, as PowerShell writes it."""
    try:
        content = Path(path).read_bytes()
        utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        key = content.decode("utf-16" if utf16 else "utf-8-sig").strip()
    except (OSError, ValueError) as error:
        raise ValidationError(UNREADABLE) from error
    if not key:
        raise ValidationError("names a file that is empty.")
    if in_quotes(key):
        raise ValidationError(IN_QUOTES)
    return api_key(key)


def random_secret(value: str) -> Secret:
    """Parse a secret of at least 32 characters."""
    return Secret(Length(min=32, error="is too short: use at least 32 random characters.")(value))


def previous_secret(value: str) -> Secret:
    """Parse a secret of at least 32 characters, or an API key, which is the secret where none is set."""
    return Secret(value) if value.startswith("mb_sk_") else random_secret(value)


def webhook_secrets(value: str) -> tuple[Secret, ...]:
    """Parse the secret of a webhook endpoint, or two of them while it is rotated."""
    secrets = each(api_key)(value)
    if len(secrets) > 2:
        raise ValidationError("must be one secret, or two separated by a space.")
    for secret in secrets:
        Length(min=16, error="is too short: copy the whole secret of the endpoint.")(secret.reveal())
    return secrets


def redis_url(value: str) -> Secret:
    """Parse the URL of a Redis server, which can contain a password."""
    Regexp(r"rediss?://\S+\Z", error="must start with redis:// or rediss://.")(value)
    _split_with_password(
        value, "is not a usable address. Check its host and port, and percent-encode its password."
    )
    return Secret(value)


def proxy(value: str) -> Secret:
    """Parse the URL of a proxy, which can contain a password."""
    # With its port: libcurl's default is 1080, which no one expects.
    problem = "must be such as http://proxy.example:3128, with its port and no path."
    parts = _split_with_password(value, problem)
    plain = value.isascii() and value.isprintable() and " " not in value
    beyond = parts.path.strip("/") or parts.query or parts.fragment
    if not plain or beyond or parts.scheme not in {"http", "https"} or not parts.port:
        raise ValidationError(problem)
    return Secret(value)


def _split_with_password(value: str, problem: str) -> SplitResult:
    """Return the parts of a URL. Raise ValidationError with the problem for an impossible host or port."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise ValidationError(problem) from None  # this error's text can contain a part of the password
    if not is_host(parts.netloc.rpartition("@")[2]):
        raise ValidationError(problem)
    return parts


def url(value: str) -> str:
    """Parse an http(s) URL without query and fragment. Normalize its origin, and drop slashes at its end."""
    return return_url(value).rstrip("/")


def return_url(value: str) -> str:
    """Parse an http(s) URL without query and fragment, and normalize its origin."""
    if "*" in value:
        raise ValidationError("is not a usable address. Write it without wildcards (*).")
    if _TWO_URLS.search(value):
        raise ValidationError("is not a usable address. Write one, without commas or semicolons.")
    parts = _split(value)
    if parts.query or parts.fragment or value.endswith(("?", "#")):
        raise ValidationError("must not have a query or a fragment.")
    if (parts.hostname or "").endswith("."):
        raise ValidationError(
            "must not have a dot at the end of its host: to browsers, that is another host."
        )
    if {".", ".."} & set(parts.path.split("/")):
        raise ValidationError("must not have . or .. in its path.")
    return f"{origin_of(parts)}{parts.path}"


def allowed_return_url(value: str) -> str:
    """Parse a return URL, or an origin of this machine with `*` for any port."""
    return value.lower() if _ANY_PORT.fullmatch(value) else return_url(value)


def origin(value: str) -> str:
    """Parse an http(s) URL without a path."""
    parsed = url(value)
    if urlsplit(parsed).path:
        raise ValidationError("must be an origin alone, such as https://example.com, without a path.")
    return parsed


def https_url(value: str) -> str:
    """Parse an https URL; http is allowed for this machine alone."""
    parsed = url(value)
    parts = urlsplit(parsed)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValidationError("must start with https:// (http:// is for this machine alone).")
    return parsed


def https_origin(value: str) -> str:
    """Parse an https URL without a path; http is allowed for this machine alone."""
    return https_url(origin(value))


def ca_file(path: str) -> str:
    """Check that a file has PEM certificates, and return its path."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError as error:
        raise ValidationError(
            "must be a file with certificates in PEM (-----BEGIN CERTIFICATE-----)."
        ) from error
    except (OSError, ValueError) as error:
        raise ValidationError(UNREADABLE) from error
    return path


def network(value: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Parse an address, or a network such as 10.0.0.0/8."""
    try:
        return ipaddress.ip_network(value)
    except ValueError as error:
        raise ValidationError("must be addresses or networks, such as 10.0.0.0/8.") from error


def rate_limit(value: str) -> str:
    """Parse a limit such as `20/minute`, or several with semicolons; return the text."""
    try:
        parse_many(value)
    except ValueError as error:
        raise ValidationError("must be a limit such as 20/minute, or 20/minute;100/hour.") from error
    return value


def image_file(path: str) -> Image:
    """Read the image in a file."""
    try:
        with Path(path).open("rb") as file:
            image = read_image(file.read(MAX_IMAGE_BYTES + 1))
    except (OSError, ValueError) as error:  # ValueError: the path has a NUL
        raise ValidationError(UNREADABLE) from error
    if image is None:
        limit = MAX_IMAGE_BYTES // 1024
        raise ValidationError(f"must be a PNG, JPEG, GIF, WebP or SVG file of at most {limit} KiB.")
    return image


class Contact(NamedTuple):
    """How patients reach the team: a text, and the address that it links to."""

    text: str
    href: str


def contact(value: str) -> Contact:
    """Parse an email address, a phone number, or the URL of a page."""
    if value.startswith(("https://", "http://")):
        return Contact(_split(value).netloc, value)
    if _PHONE.fullmatch(value):
        return Contact(value, "tel:" + re.sub(r"[^0-9+]", "", value))
    Email(error="must be an email address, a phone number, or the address of a page.")(value)
    return Contact(value, f"mailto:{value}")


def page_url(value: str) -> str:
    """Parse the URL of a page for patients, which may have a query and a fragment."""
    _split(value)
    return value


def _split(value: str) -> SplitResult:
    """Return the parts of an http(s) URL."""
    try:
        return split_http_url(value)
    except InvalidValue as error:
        raise ValidationError(f"is not a usable address. {error}") from error


def login_url(value: str) -> str:
    """Parse the URL of a login page, or its path if an app on the same origin has it."""
    # Browsers take a second slash, or a backslash, for the beginning of a host.
    is_path = value.startswith("/") and value[1:2] not in {"/", "\\"} and value.isprintable()
    return value if is_path and " " not in value else page_url(value)


def catalogs(folder: str) -> Mapping[str, bytes]:
    """Read the gettext catalogs in a folder."""
    try:
        found = read_catalogs(Path(folder))
    except UnusableCatalogs as error:
        lines = "".join(f"\n  {problem}" for problem in error.problems)
        raise ValidationError(f"has files that can't be used:{lines}") from error
    if not found:
        raise ValidationError("must be a folder with gettext catalogs, such as fr.po.")
    return found


def in_quotes(value: str) -> bool:
    """Return whether a text begins and ends with a quotation mark, plain or typographic."""
    return value[:1] in tuple(QUOTES) and value[-1:] in tuple(QUOTES)
