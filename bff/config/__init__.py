"""The settings: read from the environment and `.env`, validated once at start, the key never printed."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from dotenv import dotenv_values
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, pre_load, validates_schema
from marshmallow.validate import Length, Regexp


class SettingsError(Exception):
    """Some settings can't be used; `problems` has one line for each, naming the variable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Secret:
    """A text that shows itself only where it is asked to, so that no repr or log line carries it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret(…)"

    def reveal(self) -> str:
        """Give the text itself."""
        return self._text


@dataclass(frozen=True)
class Settings:
    """What the server needs to know; every field is valid, urls are without a trailing slash."""

    api_key: Secret
    base_url: str
    api_version: str
    public_url: str
    return_urls: tuple[str, ...]
    signup_source: str


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
    parts = urlsplit(url)
    # urlsplit forgives a missing "//", browsers add it: only the full spelling means the same to both.
    if parts.scheme not in {"http", "https"} or not url.lower().startswith(f"{parts.scheme}://"):
        raise ValueError("Start it with https:// or http://.")
    if not parts.hostname:
        raise ValueError("Name a host in it.")
    if "@" in parts.netloc:
        raise ValueError("Leave user names and passwords out of it.")
    _ = parts.port  # raises ValueError with its own sentence when it is no port
    return parts


class _HttpUrl(fields.String):
    """An http(s) url without query or fragment; with `origin`, without a path; http with `http` alone."""

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
        return text.rstrip("/")


class _SpaceSeparated(fields.List[str]):
    """A list written in one variable, separated by white space."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
        try:
            return super()._deserialize(value.split(), *args, **kwargs)
        except ValidationError as error:
            first = next(iter(error.messages_dict.values()))
            raise ValidationError(first) from error


class SettingsSchema(Schema):
    """Every variable that the product reads; `.env.example` and the README list the same."""

    class Meta:
        unknown = EXCLUDE

    api_key = fields.String(
        data_key="MEDBLOCKS_API_KEY",
        required=True,
        validate=Regexp(r"[\x21-\x7e]+\Z", error="must be one word of plain ASCII characters."),
        error_messages={
            "required": "is not set. Set it to your Medblocks key (or set MEDBLOCKS_API_KEY_FILE), "
            "or try `medblocks-bff demo`, which needs none."
        },
    )
    base_url = _HttpUrl(
        data_key="MEDBLOCKS_BASE_URL",
        origin=True,
        http_anywhere=False,
        load_default="https://app.medblocks.com",
    )
    api_version = fields.String(
        data_key="MEDBLOCKS_API_VERSION",
        load_default="2026-04-25",
        validate=Regexp(r"\d{4}-\d{2}-\d{2}\Z", error="must be a date such as 2026-04-25."),
    )
    public_url = _HttpUrl(data_key="BFF_PUBLIC_URL", origin=True, load_default="http://127.0.0.1:8000")
    return_urls = _SpaceSeparated(_HttpUrl(), data_key="BFF_RETURN_URLS", load_default=list)
    signup_source = fields.String(
        data_key="BFF_SIGNUP_SOURCE",
        load_default="intake",
        validate=Length(max=200, error="must not be longer than 200 characters."),
    )

    @pre_load
    def read_key_file(self, values: Mapping[str, str], **_: object) -> dict[str, str]:
        """Take the key from `MEDBLOCKS_API_KEY_FILE`; a variable that is set to nothing counts as absent."""
        present = {name: text.strip() for name, text in values.items() if text and text.strip()}
        path = present.get("MEDBLOCKS_API_KEY_FILE")
        if path is None:
            return present
        name = "MEDBLOCKS_API_KEY_FILE"
        if "MEDBLOCKS_API_KEY" in present:
            raise ValidationError("is set, and MEDBLOCKS_API_KEY too. Keep one of them.", name)
        try:
            present["MEDBLOCKS_API_KEY"] = Path(path).read_text("ascii").strip()
        except (OSError, ValueError) as error:
            raise ValidationError(
                "names a file that can't be read. Check the path and its rights.", name
            ) from error
        return present

    @validates_schema
    def check_key_against_upstream(self, data: Mapping[str, Any], **_: object) -> None:
        """Refuse a live key for a stand-in: it would be sent in clear."""
        if data["api_key"].startswith("mb_sk_live_") and data["base_url"].startswith("http://"):
            raise ValidationError(
                "is http://, but MEDBLOCKS_API_KEY is a live key. Use a sandbox key (mb_sk_sbx_…) here.",
                "MEDBLOCKS_BASE_URL",
            )

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> Settings:
        """Turn the validated values into `Settings`."""
        return_urls = tuple(data.pop("return_urls")) or (f"{data['public_url']}/connected",)
        return Settings(api_key=Secret(data.pop("api_key")), return_urls=return_urls, **data)


SETTING_NAMES = (
    *sorted(str(field.data_key) for field in SettingsSchema().fields.values()),
    "MEDBLOCKS_API_KEY_FILE",
)


def load_settings(values: Mapping[str, str]) -> Settings:
    """Build `Settings` from variables by name.

    Raises SettingsError with one line for each problem. The lines name variables and never their values.
    """
    try:
        settings: Settings = SettingsSchema().load(values)
    except ValidationError as error:
        messages = error.messages_dict
        raise SettingsError([f"{name} {texts[0]}" for name, texts in messages.items()]) from None
    return settings


def environment(dotenv: Path = Path(".env")) -> dict[str, str]:
    """Give the variables of the process over those of a `.env` file in the working directory, if any."""
    from_file = dotenv_values(dotenv) if dotenv.is_file() else {}
    return {**{name: text for name, text in from_file.items() if text}, **os.environ}
