"""`Settings`: what the server needs to know, as values that are known to be good."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from bff.images import Image

LIVE, SANDBOX = "mb_sk_live_", "mb_sk_sbx_"


def looks_live(key: str) -> bool:
    """Check whether a key could be a live one, in whatever case and whatever stands around it."""
    return LIVE in key.casefold()


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
    """Every field is valid; urls are without a trailing slash. The README's table says what each means."""

    api_key: Secret
    base_url: str
    api_version: str | None  # None for the one that is pinned on the key
    public_url: str
    return_urls: tuple[str, ...]
    signup_source: str
    read_seconds: float
    write_seconds: float
    catalog_seconds: float
    upstream_calls: int
    breaker_failures: int
    breaker_seconds: float
    requests: int
    processes: int
    access: str
    identity: str
    secret: Secret
    owner_max_age: int  # seconds
    trusted_origins: tuple[str, ...]
    proxy_hops: int
    rate_limit: bool
    rate_limit_address: str
    rate_limit_owner: str
    rate_limit_creates: str
    rate_limit_sessions: str
    rate_limit_conflicts: str
    redis_url: Secret | None  # it may hold a password
    brand_name: str | None
    brand_logo: Image | None
    brand_color: str | None  # #rrggbb
    jwt_jwks_url: str | None
    jwt_secret: Secret | None
    jwt_issuer: str | None
    jwt_audience: str | None
    jwt_algorithms: tuple[str, ...]
    jwt_cookie: str | None
    jwt_patient_id: str
    header_name: str
    header_secret: Secret | None
    header_networks: tuple[IPv4Network | IPv6Network, ...]

    @property
    def live(self) -> bool:
        """Whether the key opens real patients' records."""
        return looks_live(self.api_key.reveal())

    @property
    def known_key(self) -> bool:
        """Whether the key looks like one that Medblocks issues."""
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
    def report_only(self) -> bool:
        """Whether access is only reported; once settings are loaded, `access` is no longer `auto`."""
        return self.access == "report"
