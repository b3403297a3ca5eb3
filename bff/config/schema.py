"""Every variable that the product reads; `.env.example` and the README list the same."""

import os
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from marshmallow import EXCLUDE, fields, post_load, pre_load
from marshmallow.validate import Length, Range, Regexp

from bff.config.checks import SettingsChecks, key_of
from bff.config.fields import (
    FileText,
    HttpUrl,
    ImageFile,
    Limit,
    Network,
    SpaceSeparated,
    check_redis_url,
    is_loopback,
    no_quotes,
    one_of,
    one_word,
)
from bff.config.settings import SANDBOX, Secret, Settings, looks_live

_PINNED = "key"  # the word for the API version that is pinned on the key
_DAY = 24 * 60 * 60  # seconds
_LONG = Length(min=32, error="is too short: use at least 32 random characters.")
_KEY: list[Callable[[Any], Any]] = [one_word(), no_quotes]
_WHOLE = "must be a whole number."


def _seconds(name: str, default: float) -> fields.Float:
    return fields.Float(
        data_key=name,
        load_default=default,
        validate=Range(min=0.1, max=120, error="must be 0.1 to 120 seconds."),
        error_messages={"invalid": "must be a number of seconds."},
    )


def _count(name: str, default: int) -> fields.Integer:
    return fields.Integer(
        data_key=name,
        load_default=default,
        validate=Range(min=1, max=10_000, error="must be 1 to 10000."),
        error_messages={"invalid": _WHOLE},
    )


class SettingsSchema(SettingsChecks):
    """Reads variables by name into `Settings`."""

    class Meta:
        unknown = EXCLUDE

    api_key = fields.String(data_key="MEDBLOCKS_API_KEY", load_default=None, validate=_KEY)
    api_key_file = FileText(data_key="MEDBLOCKS_API_KEY_FILE", load_default=None, validate=_KEY)
    base_url = HttpUrl(
        data_key="MEDBLOCKS_BASE_URL",
        origin=True,
        http_anywhere=False,
        load_default="https://app.medblocks.com",
    )
    api_version = fields.String(
        data_key="MEDBLOCKS_API_VERSION",
        load_default="2026-04-25",
        validate=Regexp(
            rf"(\d{{4}}-\d{{2}}-\d{{2}}|{_PINNED})\Z", error="must be a date such as 2026-04-25, or key."
        ),
    )
    public_url = HttpUrl(data_key="BFF_PUBLIC_URL", origin=True, load_default="http://127.0.0.1:8000")
    return_urls = SpaceSeparated(HttpUrl(), data_key="BFF_RETURN_URLS", load_default=list)
    signup_source = fields.String(
        data_key="BFF_SIGNUP_SOURCE",
        load_default="intake",
        validate=Length(max=200, error="must not be longer than 200 characters."),
    )
    read_seconds = _seconds("BFF_READ_SECONDS", 8)
    write_seconds = _seconds("BFF_WRITE_SECONDS", 12)
    catalog_seconds = _seconds("BFF_CATALOG_SECONDS", 4)
    upstream_calls = _count("BFF_UPSTREAM_CALLS", 400)
    breaker_failures = _count("BFF_BREAKER_FAILURES", 5)
    breaker_seconds = _seconds("BFF_BREAKER_SECONDS", 2)
    requests = _count("BFF_REQUESTS", 512)
    processes = fields.Integer(
        data_key="BFF_PROCESSES",
        load_default=None,
        validate=Range(min=1, max=256, error="must be 1 to 256."),
        error_messages={"invalid": _WHOLE},
    )
    access = fields.String(
        data_key="BFF_ACCESS", load_default="auto", validate=one_of("auto", "enforce", "report")
    )
    identity = fields.String(
        data_key="BFF_IDENTITY", load_default="owner", validate=one_of("owner", "jwt", "header", "invite")
    )
    secret = fields.String(data_key="BFF_SECRET", load_default=None, validate=_LONG)
    owner_max_age = fields.Integer(
        data_key="BFF_OWNER_MAX_AGE",
        load_default=7 * _DAY,
        validate=Range(min=60, max=400 * _DAY, error="must be 60 to 34560000 seconds."),
        error_messages={"invalid": _WHOLE},
    )
    trusted_origins = SpaceSeparated(HttpUrl(origin=True), data_key="BFF_TRUSTED_ORIGINS", load_default=list)
    proxy_hops = fields.Integer(
        data_key="BFF_PROXY_HOPS",
        load_default=0,
        validate=Range(min=0, max=10, error="must be 0 to 10."),
        error_messages={"invalid": _WHOLE},
    )
    rate_limit = fields.Boolean(
        data_key="BFF_RATE_LIMIT",
        load_default=True,
        truthy={"on"},
        falsy={"off"},
        error_messages={"invalid": "must be on or off."},
    )
    rate_limit_address = Limit(data_key="BFF_RATE_LIMIT_ADDRESS", load_default="600/minute")
    rate_limit_owner = Limit(data_key="BFF_RATE_LIMIT_OWNER", load_default="300/minute")
    rate_limit_creates = Limit(data_key="BFF_RATE_LIMIT_CREATES", load_default="30/minute;200/hour")
    rate_limit_sessions = Limit(data_key="BFF_RATE_LIMIT_SESSIONS", load_default="30/minute;200/hour")
    rate_limit_conflicts = Limit(data_key="BFF_RATE_LIMIT_CONFLICTS", load_default="10/minute;30/hour")
    redis_url = fields.String(
        data_key="BFF_REDIS_URL",
        load_default=None,
        validate=[
            Regexp(r"rediss?://\S+\Z", error="must start with redis:// or rediss://."),
            check_redis_url,
        ],
    )
    brand_name = fields.String(
        data_key="BFF_BRAND_NAME",
        load_default=None,
        validate=Length(max=60, error="must not be longer than 60 characters."),
    )
    brand_logo = ImageFile(data_key="BFF_BRAND_LOGO", load_default=None)
    brand_color = fields.String(
        data_key="BFF_BRAND_COLOR",
        load_default=None,
        validate=Regexp(r"#[0-9A-Fa-f]{6}\Z", error="must be a colour such as #0b6470."),
    )
    jwt_jwks_url = HttpUrl(data_key="BFF_JWT_JWKS_URL", http_anywhere=False, load_default=None)
    jwt_secret = fields.String(data_key="BFF_JWT_SECRET", load_default=None, validate=_LONG)
    jwt_issuer = fields.String(data_key="BFF_JWT_ISSUER", load_default=None)
    jwt_audience = fields.String(data_key="BFF_JWT_AUDIENCE", load_default=None)
    jwt_algorithms = SpaceSeparated(fields.String(), data_key="BFF_JWT_ALGORITHMS", load_default=list)
    jwt_cookie = fields.String(data_key="BFF_JWT_COOKIE", load_default=None, validate=one_word())
    jwt_patient_id = fields.String(
        data_key="BFF_JWT_PATIENT_ID",
        load_default="{sub}",
        validate=[
            Regexp(r"[^{}]*(\{[^{}]+\}[^{}]*)+\Z", error="must name a claim in braces, such as {{sub}}."),
            Regexp(r"(?!.*\}\{)", error="must have text between two claims, such as {{tenant}}:{{sub}}."),
        ],
    )
    header_name = fields.String(
        data_key="BFF_HEADER_NAME",
        load_default="X-Patient-Id",
        validate=Regexp(r"[A-Za-z0-9-]+\Z", error="must be the name of a header."),
    )
    header_secret = fields.String(data_key="BFF_HEADER_SECRET", load_default=None, validate=_LONG)
    header_networks = SpaceSeparated(Network(), data_key="BFF_HEADER_NETWORKS", load_default=list)

    @pre_load
    def drop_empty(self, values: Mapping[str, str], **_: object) -> dict[str, str]:
        """Count a variable that is set to nothing as absent."""
        return {name: text.strip() for name, text in values.items() if text and text.strip()}

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> Settings:
        """Turn the validated values into `Settings`."""
        data["api_key"] = key_of(data)
        del data["api_key_file"]
        data["api_version"] = None if data["api_version"] == _PINNED else data["api_version"]
        if data["access"] == "auto":
            local = is_loopback(urlsplit(data["base_url"]).hostname)
            trial = (local or data["api_key"].startswith(SANDBOX)) and not looks_live(data["api_key"])
            data["access"] = "report" if trial else "enforce"
        data["return_urls"] = data["return_urls"] or [f"{data['public_url']}/connected"]
        data["secret"] = data["secret"] or data["api_key"]
        # What several processes have to count together, they can only count in Redis.
        data["processes"] = data["processes"] or (len(os.sched_getaffinity(0)) if data["redis_url"] else 1)
        kind = "jwks_url" if data["jwt_jwks_url"] else "secret"
        data["jwt_algorithms"] = data["jwt_algorithms"] or _DEFAULT_ALGORITHMS[kind]
        return Settings(**{name: _frozen(name, value) for name, value in data.items()})


_DEFAULT_ALGORITHMS = {"jwks_url": ["RS256", "ES256"], "secret": ["HS256"]}
_SECRET_FIELDS = {"api_key", "secret", "redis_url", "jwt_secret", "header_secret"}


def _frozen(name: str, value: Any) -> Any:
    if name in _SECRET_FIELDS:
        return value and Secret(value)
    return tuple(value) if isinstance(value, list) else value
