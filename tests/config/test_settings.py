"""Settings: valid and invalid values, defaults, and that secrets are never shown."""

import dataclasses
import logging
import traceback
from itertools import cycle, product

import pytest

from bff.config import SETTING_NAMES, Secret, SettingsError, load_settings
from tests.factories import KEY


def load(**variables):
    return load_settings({"MEDBLOCKS_API_KEY": KEY, **variables})


def problems(**variables):
    with pytest.raises(SettingsError) as caught:
        load(**variables)
    return caught.value.problems


def test_key_is_the_only_required_setting():
    settings = load()

    assert settings.api_key.reveal() == KEY
    assert settings.base_url == "https://app.medblocks.com"
    assert settings.api_version == "2026-04-25"
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.return_urls == ("http://127.0.0.1:8000/connected",)
    assert settings.signup_source == "intake"


def test_times_and_amounts_have_defaults():
    settings = load()

    assert (settings.read_seconds, settings.write_seconds, settings.catalog_seconds) == (8, 12, 4)
    assert (settings.upstream_calls, settings.requests) == (400, 512)
    assert (settings.breaker_failures, settings.breaker_seconds) == (5, 2)


def test_urls_version_and_source_can_be_set():
    settings = load(
        MEDBLOCKS_BASE_URL="https://eu.medblocks.example",
        MEDBLOCKS_API_VERSION="2027-01-31",
        BFF_PUBLIC_URL="https://bff.example.com",
        BFF_RETURN_URLS="https://app.example.com/done https://other.example.com",
        BFF_SIGNUP_SOURCE="clinic",
        BFF_SESSION_SECONDS="60",
    )

    assert settings.base_url == "https://eu.medblocks.example"
    assert settings.api_version == "2027-01-31"
    assert settings.public_url == "https://bff.example.com"
    assert settings.return_urls == ("https://app.example.com/done", "https://other.example.com")
    assert settings.signup_source == "clinic"
    assert settings.session_seconds == 60


def test_each_setting_name_is_listed_once():
    assert len(SETTING_NAMES) == len(set(SETTING_NAMES))
    assert set(SETTING_NAMES) >= {
        "MEDBLOCKS_API_KEY",
        "MEDBLOCKS_API_KEY_FILE",
        "MEDBLOCKS_BASE_URL",
        "MEDBLOCKS_API_VERSION",
        "BFF_PUBLIC_URL",
        "BFF_RETURN_URLS",
        "BFF_SIGNUP_SOURCE",
    }


def test_settings_are_immutable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        load().base_url = "https://evil.example"


def test_default_return_url_is_on_the_public_url():
    assert load(BFF_PUBLIC_URL="https://bff.example.com/").return_urls == (
        "https://bff.example.com/connected",
    )


def test_return_urls_are_separated_by_white_space():
    settings = load(BFF_RETURN_URLS="\n https://a.example/x\n\thttps://b.example  https://c.example\n")

    assert settings.return_urls == ("https://a.example/x", "https://b.example", "https://c.example")


def test_trailing_slash_is_removed_but_from_return_urls():
    settings = load(
        MEDBLOCKS_BASE_URL="https://m.example/",
        BFF_PUBLIC_URL="https://b.example/",
        BFF_RETURN_URLS="https://a.example/records/",
    )

    assert settings.base_url == "https://m.example"
    assert settings.public_url == "https://b.example"
    assert settings.return_urls == ("https://a.example/records/",)


OPTIONAL = [name for name in SETTING_NAMES if name != "MEDBLOCKS_API_KEY"]


@pytest.mark.parametrize(("name", "empty"), list(zip(OPTIONAL, cycle(["", "   ", "\t\n"]), strict=False)))
def test_empty_variable_counts_as_absent(name, empty):
    assert repr(load(**{name: empty})) == repr(load())


@pytest.mark.parametrize("values", [{}, {"MEDBLOCKS_API_KEY": ""}, {"MEDBLOCKS_API_KEY": "  \n"}])
def test_missing_key_is_reported_with_next_steps(values):
    with pytest.raises(SettingsError) as caught:
        load_settings(values)

    (problem,) = caught.value.problems
    assert problem.startswith("MEDBLOCKS_API_KEY is not set. ")
    assert "MEDBLOCKS_API_KEY_FILE" in problem
    assert "medblocks-bff demo" in problem


def test_white_space_around_a_value_is_removed():
    assert load(MEDBLOCKS_API_KEY=f" {KEY}\n").api_key.reveal() == KEY


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "nul\0", "tab\tinside", "clé", "ключ"])
def test_key_that_fits_no_header_is_refused(key):
    assert problems(MEDBLOCKS_API_KEY=key) == [
        "MEDBLOCKS_API_KEY must be one word of plain ASCII characters."
    ]


@pytest.mark.parametrize(
    "version", ["latest", "KEY", "key 2026-04-25", "2026-4-25", "2026-04-25x", "x2026-04-25", "20260425"]
)
def test_version_that_is_not_a_date_is_refused(version):
    assert problems(MEDBLOCKS_API_VERSION=version) == [
        "MEDBLOCKS_API_VERSION must be a date such as 2026-04-25, or key."
    ]


QUOTES = ['""', "''", "“”", "„“", "‘’", "«»", "``", "´´", "””"]  # noqa: RUF001 - typographic marks on purpose
VALID = {
    "MEDBLOCKS_API_VERSION": "2026-04-25",
    "BFF_ACCESS": "enforce",
    "BFF_BRAND_NAME": "Alder Example",
    "BFF_SIGNUP_SOURCE": "clinic",
    "BFF_SECRET": "s" * 32,
    "BFF_PROCESSES": "2",
    "BFF_RATE_LIMIT": "off",
}


# All settings share one check, but the key has its own: it has all kinds of quotes, every other setting one.
PAIRS = [*zip(SETTING_NAMES[1:], cycle(QUOTES), strict=False), *product(["MEDBLOCKS_API_KEY"], QUOTES)]


@pytest.mark.parametrize(("name", "quotes"), PAIRS)
def test_value_in_quotes_is_refused(name, quotes):
    for text in (f"{quotes[0]}{VALID.get(name, 'canary')}{quotes[1]}", f" {quotes}\n"):
        reported = problems(**{name: text})

        refusal = f"{name} has quotes in its value. Remove them: Docker's env files, for one, keep them."
        assert refusal in reported
        assert len([problem for problem in reported if problem.startswith(f"{name} ")]) == 1
        assert "canary" not in "".join(reported)


def test_quoted_value_causes_no_other_problem():
    jwt = {"BFF_JWT_ISSUER": "https://login.example", "BFF_JWT_AUDIENCE": "bff", "BFF_JWT_SECRET": "s" * 32}

    (problem,) = problems(BFF_IDENTITY='"jwt"', **jwt)

    assert problem.startswith("BFF_IDENTITY has quotes in its value.")


@pytest.mark.parametrize("name", ["'t Example", 'Example "Alder" Clinic', "Alders'", "5'"])
def test_brand_name_may_contain_quotes(name):
    assert load(BFF_BRAND_NAME=name).brand_name == name


@pytest.mark.parametrize(
    ("key", "known"),
    [
        *((key, True) for key in ("mb_sk_sbx_demo", "mb_sk_live_x1", "mb_sk_sbx_a_B9")),
        *(
            (key, False)
            for key in ("canary", "mb_sk_sbx_", "MB_SK_SBX_x", "mb_sk_test_x", "Bearer_mb_sk_sbx_x")
        ),
    ],
)
def test_form_of_a_key_is_recognized(key, known):
    assert load(MEDBLOCKS_API_KEY=key).known_key is known


def test_version_can_be_left_to_the_key():
    assert load(MEDBLOCKS_API_VERSION="key").api_version is None


def test_signup_source_has_at_most_200_characters():
    assert load(BFF_SIGNUP_SOURCE="s" * 200).signup_source == "s" * 200
    assert problems(BFF_SIGNUP_SOURCE="s" * 201) == [
        "BFF_SIGNUP_SOURCE must not be longer than 200 characters."
    ]


def test_all_problems_are_reported_at_once():
    with pytest.raises(SettingsError) as caught:
        load_settings(
            {
                "MEDBLOCKS_BASE_URL": "nonsense",
                "MEDBLOCKS_API_VERSION": "nonsense",
                "BFF_PUBLIC_URL": "nonsense",
                "BFF_RETURN_URLS": "nonsense",
                "BFF_SIGNUP_SOURCE": "s" * 201,
            }
        )

    assert {problem.split()[0] for problem in caught.value.problems} == {
        "MEDBLOCKS_API_KEY",
        "MEDBLOCKS_BASE_URL",
        "MEDBLOCKS_API_VERSION",
        "BFF_PUBLIC_URL",
        "BFF_RETURN_URLS",
        "BFF_SIGNUP_SOURCE",
    }
    assert str(caught.value).splitlines() == caught.value.problems


def test_other_variables_are_ignored():
    assert repr(load(PATH="/bin", BFF_UNKNOWN="x")) == repr(load())


@pytest.mark.parametrize("show", [str, repr, "{}".format, "{!r:>40}".format, "%s".__mod__])
def test_secret_is_not_shown_when_formatted(show):
    secret = Secret(KEY)

    assert KEY not in show((secret,) if show == "%s".__mod__ else secret)
    assert secret.reveal() == KEY


@pytest.mark.parametrize("show", [str, repr, dataclasses.asdict, dataclasses.astuple])
def test_settings_never_show_the_key(show):
    assert KEY not in str(show(load()))


def test_logged_settings_do_not_show_the_key(caplog):
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("started with %s and %r", load(), load().api_key)

    assert "Settings(" in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MEDBLOCKS_API_KEY", "canary canary"),
        ("MEDBLOCKS_API_VERSION", "canary"),
        ("MEDBLOCKS_BASE_URL", "canary"),
        ("MEDBLOCKS_BASE_URL", "http://canary.example"),
        ("MEDBLOCKS_BASE_URL", "https://user:canary@medblocks.example"),
        ("MEDBLOCKS_BASE_URL", "https://medblocks.example/canary"),
        ("BFF_PUBLIC_URL", "https://bff.example.com:canary"),
        ("BFF_PUBLIC_URL", "https://[canary]"),
        ("BFF_PUBLIC_URL", "https://bff.example.com/canary"),
        ("BFF_PUBLIC_URL", "https://bff.example.com?canary"),
        ("BFF_RETURN_URLS", "https://a.example https://a.example#canary"),
        ("BFF_RETURN_URLS", "https://a.example canary"),
        ("BFF_SIGNUP_SOURCE", "canary" * 50),
        ("MEDBLOCKS_API_KEY_FILE", "canary"),
    ],
)
def test_problem_names_its_variable_without_the_value(name, value):
    values = {"MEDBLOCKS_API_KEY": "mb_sk_sbx_secret", name: value}
    if name == "MEDBLOCKS_API_KEY_FILE":
        del values["MEDBLOCKS_API_KEY"]

    with pytest.raises(SettingsError) as caught:
        load_settings(values)

    (problem,) = caught.value.problems
    assert problem.startswith(f"{name} ")
    shown = "".join([problem, repr(caught.value), *traceback.format_exception(caught.value)])
    assert "canary" not in shown
    assert "mb_sk_sbx_secret" not in shown


def test_without_redis_one_process_serves(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))

    assert load().processes == 1
    assert load(BFF_PROCESSES="3").processes == 3


def test_with_redis_one_process_per_core_serves(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))

    assert load(BFF_REDIS_URL="redis://127.0.0.1:6379").processes == 8
    assert load(BFF_REDIS_URL="redis://127.0.0.1:6379", BFF_PROCESSES="2").processes == 2


@pytest.mark.parametrize("number", ["0", "257", "two", "1.5"])
def test_invalid_number_of_processes_is_refused(number):
    assert [problem.partition(" ")[0] for problem in problems(BFF_PROCESSES=number)] == ["BFF_PROCESSES"]


def test_brand_can_be_set(tmp_path):
    file = tmp_path / "logo.svg"
    file.write_text("<svg></svg>")

    settings = load(BFF_BRAND_NAME="Alder Example", BFF_BRAND_LOGO=str(file), BFF_BRAND_COLOR="#0B6470")

    assert settings.brand_name == "Alder Example"
    assert settings.brand_logo.mimetype == "image/svg+xml"
    assert settings.brand_color == "#0B6470"


@pytest.mark.parametrize("color", ["0b6470", "#0b647", "#0b64700", "red", "#gggggg", "#0b6470;}"])
def test_brand_color_has_six_digits(color):
    assert problems(BFF_BRAND_COLOR=color) == ["BFF_BRAND_COLOR must be a colour such as #0b6470."]


@pytest.mark.parametrize("content", [b"", b"<html>", b"GIF89a" + bytes(128 * 1024)])
def test_brand_logo_must_be_a_small_image(tmp_path, content):
    file = tmp_path / "logo"
    file.write_bytes(content)

    (problem,) = problems(BFF_BRAND_LOGO=str(file))

    assert problem == "BFF_BRAND_LOGO must be a PNG, JPEG, GIF, WebP or SVG file of at most 128 KiB."


@pytest.mark.parametrize("name", ["nothing", "nul\0"])
def test_unreadable_brand_logo_is_reported(tmp_path, name):
    (problem,) = problems(BFF_BRAND_LOGO=str(tmp_path / name))

    assert problem == "BFF_BRAND_LOGO names a file that can't be read. Check the path and its permissions."


def test_brand_name_has_at_most_60_characters():
    assert problems(BFF_BRAND_NAME="x" * 61) == ["BFF_BRAND_NAME must not be longer than 60 characters."]


@pytest.mark.parametrize(
    ("variables", "checked"),
    [
        ({}, False),
        ({"BFF_PUBLIC_URL": ""}, False),
        ({"BFF_PUBLIC_URL": "http://127.0.0.1:8000"}, True),
        ({"BFF_PUBLIC_URL": "https://bff.example.com", "BFF_HOST_CHECK": "off"}, False),
        ({"BFF_HOST_CHECK": "on"}, True),
    ],
)
def test_host_names_are_checked_if_the_public_url_is_set(variables, checked):
    assert load(**variables).host_check is checked
