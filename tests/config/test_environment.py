"""Variables come from the process, then from a `.env` file."""

import pytest

from bff.config import SettingsError, environment


def test_environment_overrides_the_dotenv_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("BFF_SIGNUP_SOURCE=file\nMEDBLOCKS_API_VERSION=2027-01-31\nBFF_NOTHING=\n")
    monkeypatch.delenv("MEDBLOCKS_API_VERSION", raising=False)
    monkeypatch.setenv("BFF_SIGNUP_SOURCE", "environment")

    values = environment(tmp_path / ".env")

    assert values["BFF_SIGNUP_SOURCE"] == "environment"
    assert values["MEDBLOCKS_API_VERSION"] == "2027-01-31"
    assert "BFF_NOTHING" not in values


def test_dotenv_file_of_the_working_directory_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BFF_SIGNUP_SOURCE", raising=False)
    (tmp_path / ".env").write_text("BFF_SIGNUP_SOURCE=file\n")

    assert environment()["BFF_SIGNUP_SOURCE"] == "file"


def test_dotenv_file_is_optional(tmp_path, monkeypatch):
    monkeypatch.setenv("BFF_SIGNUP_SOURCE", "environment")

    assert environment(tmp_path / ".env")["BFF_SIGNUP_SOURCE"] == "environment"
    assert environment(tmp_path)["BFF_SIGNUP_SOURCE"] == "environment"


@pytest.mark.parametrize(
    "written", ["this is wrong", "=x", "BFF_ACCESS enforce", "BFF_ACCESS", "export BFF_ACCESS"]
)
def test_invalid_dotenv_line_is_reported_with_its_number(tmp_path, written):
    (tmp_path / ".env").write_text(f"BFF_ACCESS=enforce\n# a comment\n\n\n{written}\nBFF_RATE_LIMIT=on\n")

    with pytest.raises(SettingsError) as caught:
        environment(tmp_path / ".env")

    assert caught.value.problems == [f"{tmp_path}/.env, line 5, can't be read. Write NAME=value."]


def test_dotenv_file_in_another_encoding_is_reported_without_content(tmp_path):
    (tmp_path / ".env").write_bytes("BFF_BRAND_NAME=Z\u00fcrich canary\n".encode("latin-1"))

    with pytest.raises(SettingsError) as caught:
        environment(tmp_path / ".env")

    assert caught.value.problems == [
        f"{tmp_path}/.env can't be read. Save it as UTF-8, and check its permissions."
    ]
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_dotenv_file_with_byte_order_mark_is_read(tmp_path, monkeypatch):
    monkeypatch.delenv("BFF_BRAND_NAME", raising=False)
    (tmp_path / ".env").write_bytes("BFF_BRAND_NAME=Z\u00fcrich\r\n".encode("utf-8-sig"))

    assert environment(tmp_path / ".env")["BFF_BRAND_NAME"] == "Zürich"


@pytest.mark.parametrize("quote", ["'", '"'])
def test_plain_quotes_in_a_dotenv_file_are_removed(tmp_path, monkeypatch, quote):
    monkeypatch.delenv("BFF_BRAND_NAME", raising=False)
    (tmp_path / ".env").write_text(f"BFF_BRAND_NAME={quote}Alder Example{quote}\n")

    assert environment(tmp_path / ".env")["BFF_BRAND_NAME"] == "Alder Example"
