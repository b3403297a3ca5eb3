"""Settings of access: their defaults, and what `auto` resolves to."""

import dataclasses
from ipaddress import ip_network

import pytest

from bff.config import load_settings
from tests.factories import JWT

SANDBOX, LIVE, OTHER = "mb_sk_sbx_canary", "mb_sk_live_canary", "another-canary"
LONG = "canary-of-the-tests-with-32-characters"
JWKS = {"BFF_JWT_JWKS_URL": "https://login.example/jwks.json"}
BY_SECRET = {"BFF_JWT_SECRET": LONG}
HEADER = {"BFF_IDENTITY": "header", "BFF_HEADER_SECRET": LONG, "BFF_HEADER_NETWORKS": "10.0.0.0/8"}


def load(**variables):
    return load_settings({"MEDBLOCKS_API_KEY": SANDBOX, **variables})


def test_access_settings_have_defaults():
    settings = load()

    assert (
        dataclasses.asdict(settings).items()
        >= {
            "identity": "owner",
            "access": "report",
            "owner_max_age": 604_800,
            "trusted_origins": (),
            "proxy_hops": 0,
            "rate_limit": True,
            "rate_limit_address": "600/minute",
            "rate_limit_owner": "300/minute",
            "rate_limit_creates": "30/minute;200/hour",
            "rate_limit_sessions": "30/minute;200/hour",
            "rate_limit_conflicts": "10/minute;30/hour",
            "redis_url": None,
            "jwt_jwks_url": None,
            "jwt_secret": None,
            "jwt_issuer": None,
            "jwt_audience": None,
            "jwt_cookie": None,
            "jwt_patient_id": "{sub}",
            "header_name": "X-Patient-Id",
            "header_secret": None,
            "header_networks": (),
        }.items()
    )
    assert settings.secret.reveal() == SANDBOX


@pytest.mark.parametrize(
    ("key", "base_url", "access"),
    [
        (LIVE, "https://app.medblocks.com", "enforce"),
        (LIVE, "https://localhost:8001", "enforce"),
        (OTHER, "https://app.medblocks.com", "enforce"),
        (OTHER, "http://127.0.0.1:8001", "enforce"),
        (OTHER, "https://localhost", "enforce"),
        (SANDBOX, "https://app.medblocks.com", "report"),
        (SANDBOX, "http://[::1]:8001", "report"),
        ("MB_SK_LIVE_canary", "https://localhost:8001", "enforce"),
        ("mb_sk_sbx_mb_sk_live_canary", "https://localhost:8001", "enforce"),
        ("MB_SK_SBX_canary", "https://app.medblocks.com", "enforce"),
        ("x_mb_sk_sbx_canary", "https://app.medblocks.com", "enforce"),
    ],
)
@pytest.mark.parametrize("given", [{}, {"BFF_ACCESS": "auto"}])
def test_auto_depends_on_the_key(key, base_url, access, given):
    settings = load(MEDBLOCKS_API_KEY=key, MEDBLOCKS_BASE_URL=base_url, **given)

    assert settings.access == access
    assert settings.report_only is (access == "report")


@pytest.mark.parametrize("key", [SANDBOX, OTHER, LIVE])
def test_access_can_always_be_enforced(key):
    assert load(MEDBLOCKS_API_KEY=key, BFF_ACCESS="enforce").access == "enforce"


@pytest.mark.parametrize("key", [SANDBOX, OTHER])
def test_report_is_accepted_without_a_live_key(key):
    assert load(MEDBLOCKS_API_KEY=key, BFF_ACCESS="report").report_only


@pytest.mark.parametrize(("source", "algorithms"), [(JWKS, ("RS256", "ES256")), (BY_SECRET, ("HS256",))])
def test_key_source_decides_the_default_algorithms(source, algorithms):
    assert load(**JWT, **source).jwt_algorithms == algorithms


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_local_jwks_url_may_be_http(host):
    assert load(**JWT, BFF_JWT_JWKS_URL=f"http://{host}:9000/jwks").jwt_jwks_url == f"http://{host}:9000/jwks"


def test_access_settings_can_be_set():
    settings = load(
        **HEADER | {"BFF_HEADER_NETWORKS": "10.0.0.0/8 ::1", "BFF_HEADER_NAME": "X-Member"},
        BFF_SECRET=LONG,
        BFF_OWNER_MAX_AGE="34560000",
        BFF_TRUSTED_ORIGINS="https://app.example.com https://www.example.com/",
        BFF_PROXY_HOPS="10",
        BFF_RATE_LIMIT="off",
        BFF_RATE_LIMIT_CREATES="2/minute; 9/hour",
        BFF_REDIS_URL="rediss://redis.example/0",
    )

    assert settings.header_networks == (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert settings.header_name == "X-Member"
    assert settings.secret.reveal() == settings.header_secret.reveal() == LONG
    assert settings.owner_max_age == 34_560_000
    assert settings.trusted_origins == ("https://app.example.com", "https://www.example.com")
    assert settings.proxy_hops == 10
    assert settings.rate_limit is False
    assert settings.rate_limit_creates == "2/minute; 9/hour"
    assert settings.redis_url.reveal() == "rediss://redis.example/0"


def test_jwt_cookie_and_claims_can_be_set():
    options = {"BFF_JWT_COOKIE": "__Host-login", "BFF_JWT_PATIENT_ID": "{tenant}:{sub}"}
    settings = load(**JWT, **BY_SECRET, **options)

    assert (settings.jwt_cookie, settings.jwt_patient_id) == ("__Host-login", "{tenant}:{sub}")


@pytest.mark.parametrize("show", [str, repr, dataclasses.asdict, dataclasses.astuple])
@pytest.mark.parametrize("variables", [{"BFF_SECRET": LONG}, {**JWT, **BY_SECRET}, HEADER])
def test_settings_never_show_a_secret(show, variables):
    assert LONG not in str(show(load(**variables)))
