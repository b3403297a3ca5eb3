"""Settings of access: invalid values and combinations, and the variable that each problem names."""

import traceback

import pytest

from bff.config import SETTING_NAMES, SettingsError, load_settings, unknown_names
from tests.factories import JWT

SANDBOX, LIVE = "mb_sk_sbx_canary", "mb_sk_live_canary"
LONG = "canary-of-the-tests-with-32-characters"
JWKS = {"BFF_JWT_JWKS_URL": "https://login.example/jwks.json"}
BY_SECRET = {"BFF_JWT_SECRET": LONG}
HEADER = {"BFF_IDENTITY": "header", "BFF_HEADER_SECRET": LONG, "BFF_HEADER_NETWORKS": "10.0.0.0/8"}
NOT_SET = "is not set, and BFF_IDENTITY=jwt needs it."


def load(**variables):
    return load_settings({"MEDBLOCKS_API_KEY": SANDBOX, **variables})


def without(values, *names):
    return {name: value for name, value in values.items() if name not in names}


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"BFF_ACCESS": "canary"}, "BFF_ACCESS must be one of: auto, enforce, report."),
        ({"BFF_ACCESS": "off"}, "BFF_ACCESS must be one of: auto, enforce, report."),
        ({"BFF_ACCESS": "Enforce"}, "BFF_ACCESS must be one of: auto, enforce, report."),
        (
            {"MEDBLOCKS_API_KEY": LIVE, "BFF_ACCESS": "report"},
            "BFF_ACCESS is report, but MEDBLOCKS_API_KEY is a live key. Set it to enforce or auto.",
        ),
        ({"BFF_IDENTITY": "canary"}, "BFF_IDENTITY must be one of: owner, jwt, header, invite."),
        ({"BFF_IDENTITY": "none"}, "BFF_IDENTITY must be one of: owner, jwt, header, invite."),
        ({"BFF_SECRET": "canary" * 5}, "BFF_SECRET is too short: use at least 32 random characters."),
        ({"BFF_SECRET": "c" * 31}, "BFF_SECRET is too short: use at least 32 random characters."),
        (
            {"BFF_SECRET_PREVIOUS": "c" * 31},
            "BFF_SECRET_PREVIOUS is too short: use at least 32 random characters.",
        ),
        ({"BFF_OWNER_MAX_AGE": "59"}, "BFF_OWNER_MAX_AGE must be 60 to 34560000 seconds."),
        ({"BFF_OWNER_MAX_AGE": "34560001"}, "BFF_OWNER_MAX_AGE must be 60 to 34560000 seconds."),
        ({"BFF_OWNER_MAX_AGE": "canary"}, "BFF_OWNER_MAX_AGE must be a whole number."),
        ({"BFF_OWNER_MAX_AGE": "3600.5"}, "BFF_OWNER_MAX_AGE must be a whole number."),
        ({"BFF_SESSION_SECONDS": "59"}, "BFF_SESSION_SECONDS must be 60 to 86400 seconds."),
        ({"BFF_SESSION_SECONDS": "86401"}, "BFF_SESSION_SECONDS must be 60 to 86400 seconds."),
        ({"BFF_SESSION_SECONDS": "canary"}, "BFF_SESSION_SECONDS must be a whole number."),
        ({"BFF_PROXY_HOPS": "-1"}, "BFF_PROXY_HOPS must be 0 to 10."),
        ({"BFF_PROXY_HOPS": "11"}, "BFF_PROXY_HOPS must be 0 to 10."),
        ({"BFF_PROXY_HOPS": "canary"}, "BFF_PROXY_HOPS must be a whole number."),
        ({"BFF_PROXY_HOPS": "1.5"}, "BFF_PROXY_HOPS must be a whole number."),
        ({"BFF_TRUSTED_ORIGINS": "canary"}, "BFF_TRUSTED_ORIGINS is not a usable address."),
        (
            {"BFF_TRUSTED_ORIGINS": "https://a.example https://b.example/canary"},
            "BFF_TRUSTED_ORIGINS must be an origin alone",
        ),
        ({"BFF_TRUSTED_ORIGINS": "*"}, "BFF_TRUSTED_ORIGINS is not a usable address. Write it without wild"),
        ({"BFF_RATE_LIMIT": "canary"}, "BFF_RATE_LIMIT must be on or off."),
        ({"BFF_RATE_LIMIT": "true"}, "BFF_RATE_LIMIT must be on or off."),
        *(
            ({f"BFF_RATE_LIMIT_{name}": value}, f"BFF_RATE_LIMIT_{name} must be a limit such as 20/minute")
            for name in ("ADDRESS", "OWNER", "CREATES", "SESSIONS", "CONFLICTS")
            for value in ("canary", "20", "20/canary", "20/minute;canary", "many/minute")
        ),
        ({"BFF_REDIS_URL": "http://canary"}, "BFF_REDIS_URL must start with redis:// or rediss://."),
        ({"BFF_REDIS_URL": "redis://"}, "BFF_REDIS_URL must start with redis:// or rediss://."),
        ({"BFF_REDIS_URL": "x redis://canary"}, "BFF_REDIS_URL must start with redis:// or rediss://."),
        ({**without(JWT, "BFF_JWT_ISSUER"), **JWKS}, f"BFF_JWT_ISSUER {NOT_SET}"),
        ({**without(JWT, "BFF_JWT_AUDIENCE"), **JWKS}, f"BFF_JWT_AUDIENCE {NOT_SET}"),
        (JWT, "BFF_JWT_JWKS_URL is not set, and BFF_IDENTITY=jwt needs it, or BFF_JWT_SECRET."),
        ({**JWT, **JWKS, **BY_SECRET}, "BFF_JWT_JWKS_URL is set, and BFF_JWT_SECRET too. Keep one of them."),
        ({**JWT, "BFF_JWT_SECRET": "c" * 31}, "BFF_JWT_SECRET is too short: use at least 32 random"),
        (
            {**JWT, "BFF_JWT_JWKS_URL": "http://canary.example/jwks.json"},
            "BFF_JWT_JWKS_URL must start with https:// (http:// is for this machine alone).",
        ),
        ({**JWT, "BFF_JWT_JWKS_URL": "canary"}, "BFF_JWT_JWKS_URL is not a usable address."),
        *(
            (
                {**JWT, **source, "BFF_JWT_ALGORITHMS": text},
                f"BFF_JWT_ALGORITHMS has {count} that can't be used",
            )
            for source, text, count in [
                (JWKS, "none", 1),
                (JWKS, "HS256", 1),
                (JWKS, "RS256 HS256 HS512", 2),
                (JWKS, "rs256", 1),
                (JWKS, "canary", 1),
                (BY_SECRET, "none", 1),
                (BY_SECRET, "RS256", 1),
                (BY_SECRET, "HS256 ES256", 1),
            ]
        ),
        ({"BFF_JWT_COOKIE": "two canaries"}, "BFF_JWT_COOKIE must be one word of plain ASCII characters."),
        *(
            ({"BFF_JWT_PATIENT_ID": text}, "BFF_JWT_PATIENT_ID must name a claim in braces, such as {sub}.")
            for text in ("canary", "{}", "{canary", "canary}", "{{sub}}", "{sub}}", "{sub}{", "x{}{sub}")
        ),
        ({"BFF_HEADER_NAME": "X Canary"}, "BFF_HEADER_NAME must be the name of a header."),
        ({"BFF_HEADER_NAME": "X_Canary"}, "BFF_HEADER_NAME must be the name of a header."),
        ({"BFF_HEADER_NAME": "X-Canary:"}, "BFF_HEADER_NAME must be the name of a header."),
        ({**HEADER, "BFF_HEADER_SECRET": "c" * 31}, "BFF_HEADER_SECRET is too short: use at least 32 random"),
        (
            without(HEADER, "BFF_HEADER_SECRET"),
            "BFF_HEADER_SECRET is not set, and BFF_IDENTITY=header needs it.",
        ),
        (
            without(HEADER, "BFF_HEADER_NETWORKS"),
            "BFF_HEADER_NETWORKS is not set, and BFF_IDENTITY=header needs it.",
        ),
        *(
            (
                {**HEADER, "BFF_HEADER_NETWORKS": text},
                "BFF_HEADER_NETWORKS must be addresses or networks, such as",
            )
            for text in (
                "canary",
                "10.0.0.0/33",
                "10.0.0.1/8",
                "10.*",
                "10.0.0.0/8 canary",
                "::/129",
            )
        ),
    ],
    ids=lambda case: case[:60] if isinstance(case, str) else "",
)
def test_invalid_setting_is_reported_without_its_value(variables, message):
    with pytest.raises(SettingsError) as caught:
        load(**variables)

    (problem,) = caught.value.problems
    assert problem.startswith(message)
    assert (
        "canar"
        not in "".join([problem, repr(caught.value), *traceback.format_exception(caught.value)]).lower()
    )


def test_all_dangers_to_a_live_key_are_reported():
    live = {"MEDBLOCKS_API_KEY": LIVE, "MEDBLOCKS_BASE_URL": "http://127.0.0.1:8001", "BFF_ACCESS": "report"}
    with pytest.raises(SettingsError) as caught:
        load(**live)

    assert [problem.split()[0] for problem in caught.value.problems] == ["MEDBLOCKS_BASE_URL", "BFF_ACCESS"]


def test_unknown_names_with_an_identity_prefix_are_ignored():
    assert load(BFF_JWT_TENANT_OF_OURS="x").identity == "owner"


SEPARATORS = [",", ", ", ";", " ; ", " ,"]
LISTS = {
    "BFF_RETURN_URLS": ["https://a.example", "https://b.example/records"],
    "BFF_TRUSTED_ORIGINS": ["https://a.example", "https://b.example"],
    "BFF_HEADER_NETWORKS": ["10.0.0.0/8", "::1"],
    "BFF_JWT_ALGORITHMS": ["RS256", "ES256"],
}
NEEDED = {"BFF_HEADER_NETWORKS": HEADER, "BFF_JWT_ALGORITHMS": {**JWT, **JWKS}}


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("name", LISTS)
def test_list_with_another_separator_is_refused(name, separator):
    for text in (separator.join(LISTS[name]), LISTS[name][0] + separator, separator + LISTS[name][0]):
        with pytest.raises(SettingsError) as caught:
            load(**{**NEEDED.get(name, {}), name: text})

        assert caught.value.problems == [f"{name} has a comma or a semicolon. Separate several with spaces."]


@pytest.mark.parametrize("name", LISTS)
def test_list_is_separated_by_spaces(name):
    settings = load(**{**NEEDED.get(name, {}), name: "  ".join(LISTS[name])})

    assert len(getattr(settings, name.removeprefix("BFF_").lower())) == 2


def test_all_missing_jwt_settings_are_reported():
    with pytest.raises(SettingsError) as caught:
        load(BFF_IDENTITY="jwt")

    assert {problem.split()[0] for problem in caught.value.problems} == {
        "BFF_JWT_ISSUER",
        "BFF_JWT_AUDIENCE",
        "BFF_JWT_JWKS_URL",
    }


def test_all_missing_header_settings_are_reported():
    with pytest.raises(SettingsError) as caught:
        load(BFF_IDENTITY="header")

    names = [problem.split()[0] for problem in caught.value.problems]
    assert sorted(names) == ["BFF_HEADER_NETWORKS", "BFF_HEADER_SECRET"]


def test_adjacent_claims_are_refused():
    with pytest.raises(SettingsError) as caught:
        load(**JWT, **BY_SECRET, BFF_JWT_PATIENT_ID="{tenant}{sub}")

    (problem,) = caught.value.problems
    assert problem.startswith("BFF_JWT_PATIENT_ID must ")


@pytest.mark.parametrize("identity", ["owner", "invite", "header"])
def test_jwt_settings_of_another_identity_are_reported(identity):
    header = {"BFF_HEADER_SECRET": "h" * 32, "BFF_HEADER_NETWORKS": "10.0.0.0/8"}
    with pytest.raises(SettingsError) as caught:
        load(
            **(header if identity == "header" else {}),
            BFF_IDENTITY=identity,
            BFF_JWT_ISSUER="https://login.example",
            BFF_JWT_COOKIE="login",
            BFF_JWT_ALGORITHMS="ES512",
            BFF_JWT_SECRET=" ",
        )

    rest = f"is set, but BFF_IDENTITY is {identity}. Set BFF_IDENTITY=jwt, or remove this."
    names = ["BFF_JWT_ALGORITHMS", "BFF_JWT_COOKIE", "BFF_JWT_ISSUER"]
    assert sorted(caught.value.problems) == [f"{name} {rest}" for name in names]


@pytest.mark.parametrize("name", ["BFF_HEADER_SECRET", "BFF_HEADER_NETWORKS"])
def test_header_settings_of_another_identity_are_reported(name):
    value = {"BFF_HEADER_SECRET": "h" * 32, "BFF_HEADER_NETWORKS": "10.0.0.0/8"}[name]
    with pytest.raises(SettingsError) as caught:
        load(**{name: value})

    assert caught.value.problems == [
        f"{name} is set, but BFF_IDENTITY is owner. Set BFF_IDENTITY=header, or remove this."
    ]


def test_invites_with_several_processes_need_redis():
    redis = {"BFF_REDIS_URL": "redis://redis.example"}
    with pytest.raises(SettingsError, match=r"^BFF_REDIS_URL is not set, and .* BFF_PROCESSES=3 needs it"):
        load(BFF_IDENTITY="invite", BFF_PROCESSES="3")

    assert load(BFF_IDENTITY="invite", BFF_PROCESSES="3", **redis).processes == 3
    assert load(BFF_IDENTITY="invite").processes == 1
    assert load(BFF_PROCESSES="3").processes == 3


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("BFF_ACESS", "BFF_ACCESS"),
        ("BFF_RETURNURLS", "BFF_RETURN_URLS"),
        ("BFF_JWKS_URL", "BFF_JWT_JWKS_URL"),
        ("BFF_RATE_LIMIT_CREATE", "BFF_RATE_LIMIT_CREATES"),
        ("MEDBLOCKS_BASE_ULR", "MEDBLOCKS_BASE_URL"),
        ("BFF_PUBLC_URL", "BFF_PUBLIC_URL"),
        *(
            (name, "BFF_ACCESS")
            for name in ("bff_access", "BFF-ACCESS", "Bff-Acess", "BFF__ACCESS", "bff.access")
        ),
        ("medblocks_api_version", "MEDBLOCKS_API_VERSION"),
        ("MEDBLOCKS-API-VERSION", "MEDBLOCKS_API_VERSION"),
    ],
)
def test_misspelled_name_is_reported_with_a_suggestion(name, suggestion):
    with pytest.raises(SettingsError) as caught:
        load(**{name: "canary"})

    assert caught.value.problems == [f"{name} is no setting. Did you mean {suggestion}?"]


@pytest.mark.parametrize(
    "name",
    [
        *("BFF_SERVICE_HOST", "BFF_SERVICE_PORT", "BFF_PORT", "BFF_PORT_8000_TCP"),  # set by Kubernetes
        *("BFF_PORT_8000_TCP_PROTO", "BFF_SERVICE_PORT_HTTP", "BFF_IMAGE", "BFF_VERSION", "BFF_SECRET_OLD"),
        *(
            "MEDBLOCKS_API_KEY_ID",
            "MEDBLOCKS_API_KEY_2",
            "MEDBLOCKS_WEBHOOK_URL",
            "ACCESS",
        ),  # a team's own
    ],
)
def test_other_names_do_not_stop_the_start(name):
    assert load(**{name: "anything"}).access == "report"


@pytest.mark.parametrize("name", ["BFF_ACESS", "bff_access", "BFF-ACCESS"])
def test_misspelled_name_beside_the_right_one_is_reported(name):
    with pytest.raises(SettingsError) as caught:
        load(**{name: "report", "BFF_ACCESS": "enforce"})

    assert caught.value.problems == [f"{name} is no setting. Did you mean BFF_ACCESS?"]


@pytest.mark.parametrize("service", ["BFF", "MEDBLOCKS", "MEDBLOCKS_BFF"])
@pytest.mark.parametrize(
    "rest",
    [
        *("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "SERVICE_PORT_HTTP_2", "PORT"),
        *(
            f"PORT_8000_{protocol}{part}"
            for protocol in ("TCP", "UDP")
            for part in ("", "_PROTO", "_PORT", "_ADDR")
        ),
    ],
)
def test_kubernetes_variables_are_not_unknown(service, rest):
    assert unknown_names([f"{service}_{rest}"]) == {}


# SSL_CERT_FILE is not ours alone: other names like it are other programs'.
@pytest.mark.parametrize("name", [name for name in SETTING_NAMES if name.startswith(("BFF_", "MEDBLOCKS_"))])
def test_every_setting_is_suggested_for_other_spellings(name):
    others = [name.lower(), name.title(), name.replace("_", "-"), name.lower().replace("_", "-"), f"{name}_"]

    assert unknown_names([name, *others]) == dict.fromkeys(others, name)


@pytest.mark.parametrize("name", ["BFF_CORS_ORIGINS", "bff_nothing", "MEDBLOCKS-URL", "Medblocks_Api_Key_Id"])
def test_name_with_our_prefix_is_unknown(name):
    assert unknown_names([name, "PATH", "BFFS", "MY_BFF_ACCESS"]) == {name: None}


@pytest.mark.parametrize(
    "rest",
    [
        "",
        ":Pa55word@h,i",
        ":Pa55word@*.example",
        ":Pa55/word@h:6379",
        ":Pa55#word@h:6379",
        ":x@h:port",
        ":x@h:99999",
        ":x@:1",
    ],
)
def test_invalid_redis_url_is_reported_without_its_password(rest):
    with pytest.raises(SettingsError) as caught:
        load(BFF_REDIS_URL=f"redis://{rest}")

    (problem,) = caught.value.problems
    assert problem.startswith("BFF_REDIS_URL ")
    assert "Pa55" not in problem
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "url",
    [
        "redis://h",
        "redis://my_redis",
        "redis://:a,b@h",
        "rediss://:Pa55%2Fword@h:6380/1?x=y",
        "redis://[::1]:6379",
    ],
)
def test_valid_redis_url_is_accepted(url):
    assert load(BFF_REDIS_URL=url).redis_url.reveal() == url
