"""Every setting, declared once; `.env.example` and `docs/settings.md` describe them."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import TypeVar

from marshmallow import fields

from bff.config import parsers
from bff.config.parsers import Contact, Secret
from bff.images import Image
from bff.logs import LOG_LEVELS
from bff.medblocks import API_VERSION, BASE_URL

LIVE, SANDBOX = "mb_sk_live_", "mb_sk_sbx_"
ANY_PORT = ":*"  # ends a return URL that allows each port of this machine
_DAY = 24 * 60 * 60  # seconds

T = TypeVar("T")
D = TypeVar("D")


class SettingsError(Exception):
    """Some settings can't be used; `problems` has a line for each, which begins with the variable's name."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def setting(name: str, parser: Callable[[str], T], default: D) -> T | D:
    """Declare a setting: its variable, the parser of its text, and the default value."""
    field = fields.Function(deserialize=parser, data_key=name, load_default=default)
    declared: T | D = dataclasses.field(metadata={"marshmallow": field})
    return declared


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings, validated; URLs have no trailing slash.

    `load_settings` replaces the defaults that depend on other settings.
    """

    api_key: Secret = setting("MEDBLOCKS_API_KEY", parsers.api_key, Secret(""))  # or the key in the file
    api_key_file: Secret | None = setting("MEDBLOCKS_API_KEY_FILE", parsers.api_key_file, None)
    base_url: str = setting("MEDBLOCKS_BASE_URL", parsers.https_origin, BASE_URL)
    api_version: str | None = setting("MEDBLOCKS_API_VERSION", parsers.api_version, API_VERSION)
    proxy: Secret | None = setting("MEDBLOCKS_PROXY", parsers.proxy, None)
    ca_file: str | None = setting("BFF_CA_FILE", parsers.ca_file, None)  # or the next one
    ssl_cert_file: str | None = setting("SSL_CERT_FILE", parsers.ca_file, None)
    webhook_secrets: tuple[Secret, ...] = setting("MEDBLOCKS_WEBHOOK_SECRET", parsers.webhook_secrets, ())
    public_url: str = setting("BFF_PUBLIC_URL", parsers.origin, "http://127.0.0.1:8000")
    host_check: bool | None = setting("BFF_HOST_CHECK", parsers.on_off, None)
    return_urls: tuple[str, ...] = setting("BFF_RETURN_URLS", parsers.each(parsers.allowed_return_url), ())
    session_seconds: int | None = setting("BFF_SESSION_SECONDS", parsers.integer(60, _DAY, " seconds"), None)
    signup_source: str = setting("BFF_SIGNUP_SOURCE", parsers.short(200), "intake")

    log_level: str = setting("BFF_LOG_LEVEL", parsers.choice(*LOG_LEVELS), "info")
    log_format: str = setting("BFF_LOG_FORMAT", parsers.choice("auto", "json", "text"), "auto")

    read_seconds: float = setting("BFF_READ_SECONDS", parsers.seconds, 8)
    write_seconds: float = setting("BFF_WRITE_SECONDS", parsers.seconds, 12)
    catalog_seconds: float = setting("BFF_CATALOG_SECONDS", parsers.seconds, 4)
    upstream_calls: int = setting("BFF_UPSTREAM_CALLS", parsers.count, 400)
    upstream_calls_address: int = setting("BFF_UPSTREAM_CALLS_ADDRESS", parsers.count, 0)
    breaker_failures: int = setting("BFF_BREAKER_FAILURES", parsers.count, 5)
    breaker_seconds: float = setting("BFF_BREAKER_SECONDS", parsers.seconds, 2)
    requests: int = setting("BFF_REQUESTS", parsers.count, 512)
    processes: int = setting("BFF_PROCESSES", parsers.integer(1, 256), 0)
    otel_endpoint: str | None = setting("OTEL_EXPORTER_OTLP_ENDPOINT", parsers.url, None)
    metrics_port: int | None = setting("BFF_METRICS_PORT", parsers.integer(1, 65_535), None)

    access: str = setting("BFF_ACCESS", parsers.choice("auto", "enforce", "report"), "auto")
    identity: str = setting("BFF_IDENTITY", parsers.choice("owner", "jwt", "header", "invite"), "owner")
    secret: Secret = setting("BFF_SECRET", parsers.random_secret, Secret(""))
    secret_previous: Secret | None = setting("BFF_SECRET_PREVIOUS", parsers.previous_secret, None)
    owner_max_age: int = setting("BFF_OWNER_MAX_AGE", parsers.integer(60, 400 * _DAY, " seconds"), 7 * _DAY)
    login_url: str | None = setting("BFF_LOGIN_URL", parsers.login_url, None)
    trusted_origins: tuple[str, ...] = setting("BFF_TRUSTED_ORIGINS", parsers.each(parsers.origin), ())
    proxy_hops: int = setting("BFF_PROXY_HOPS", parsers.integer(0, 10), 0)

    rate_limit: bool = setting("BFF_RATE_LIMIT", parsers.on_off, True)  # noqa: FBT003 - the default
    rate_limit_address: str = setting("BFF_RATE_LIMIT_ADDRESS", parsers.rate_limit, "600/minute")
    rate_limit_owner: str = setting("BFF_RATE_LIMIT_OWNER", parsers.rate_limit, "300/minute")
    rate_limit_creates: str = setting("BFF_RATE_LIMIT_CREATES", parsers.rate_limit, "30/minute;200/hour")
    rate_limit_sessions: str = setting("BFF_RATE_LIMIT_SESSIONS", parsers.rate_limit, "30/minute;200/hour")
    rate_limit_conflicts: str = setting("BFF_RATE_LIMIT_CONFLICTS", parsers.rate_limit, "10/minute;30/hour")
    redis_url: Secret | None = setting("BFF_REDIS_URL", parsers.redis_url, None)

    brand_name: str | None = setting("BFF_BRAND_NAME", parsers.short(60), None)
    brand_logo: Image | None = setting("BFF_BRAND_LOGO", parsers.image_file, None)
    brand_color: str | None = setting("BFF_BRAND_COLOR", parsers.color, None)

    brand_logo_dark: Image | None = setting("BFF_BRAND_LOGO_DARK", parsers.image_file, None)
    purpose: str | None = setting("BFF_PURPOSE", parsers.short(200), None)
    privacy_url: str | None = setting("BFF_PRIVACY_URL", parsers.page_url, None)
    support: Contact | None = setting("BFF_SUPPORT", parsers.contact, None)
    translations: Mapping[str, bytes] = setting("BFF_TRANSLATIONS", parsers.catalogs, {})

    jwt_jwks_url: str | None = setting("BFF_JWT_JWKS_URL", parsers.https_url, None)
    jwt_secret: Secret | None = setting("BFF_JWT_SECRET", parsers.random_secret, None)
    jwt_issuer: str | None = setting("BFF_JWT_ISSUER", str, None)
    jwt_audience: str | None = setting("BFF_JWT_AUDIENCE", str, None)
    jwt_algorithms: tuple[str, ...] = setting("BFF_JWT_ALGORITHMS", parsers.each(str), ())
    jwt_cookie: str | None = setting("BFF_JWT_COOKIE", parsers.word, None)
    jwt_patient_id: str = setting("BFF_JWT_PATIENT_ID", parsers.claims, "{sub}")

    header_name: str = setting("BFF_HEADER_NAME", parsers.header_name, "X-Patient-Id")
    header_secret: Secret | None = setting("BFF_HEADER_SECRET", parsers.random_secret, None)
    header_networks: tuple[IPv4Network | IPv6Network, ...] = setting(
        "BFF_HEADER_NETWORKS", parsers.each(parsers.network), ()
    )

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret that keys are derived from, and the one that it replaces if there is one."""
        return tuple(secret.reveal() for secret in (self.secret, self.secret_previous) if secret)

    @property
    def live(self) -> bool:
        """Whether the key could open real patients' records, in any case and after any prefix."""
        return LIVE in self.api_key.reveal().casefold()

    @property
    def trial(self) -> bool:
        """Whether the key is a sandbox key. Any other may open real records, wherever the calls go."""
        return self.api_key.reveal().startswith(SANDBOX) and not self.live

    @property
    def known_key(self) -> bool:
        """Whether the key has the form of Medblocks' keys."""
        return re.fullmatch(rf"({LIVE}|{SANDBOX})\w+", self.api_key.reveal(), re.ASCII) is not None

    @property
    def version_text(self) -> str:
        """The version of Medblocks' API that calls get, in words."""
        return self.api_version or "pinned on the key"

    @property
    def https(self) -> bool:
        """Whether browsers reach this server over https."""
        return self.public_url.startswith("https://")

    @property
    def invites(self) -> bool:
        """Whether invites are accepted: with a login, they would name a patient that it does not."""
        return self.identity in {"owner", "invite"}

    @property
    def separate_processes(self) -> bool:
        """Whether several processes serve without Redis, so that each of them counts for itself."""
        return self.processes > 1 and not self.redis_url

    @property
    def report_only(self) -> bool:
        """Whether access is only reported: what would be denied is allowed."""
        return self.access == "report"


SETTING_NAMES = tuple(str(each.metadata["marshmallow"].data_key) for each in dataclasses.fields(Settings))
