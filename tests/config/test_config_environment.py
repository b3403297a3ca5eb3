"""Where the variables come from: the process first, then a `.env` file."""

import pytest

from bff.config import SettingsError, environment


def test_a_dotenv_file_fills_in_what_the_environment_lacks(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("BFF_SIGNUP_SOURCE=file\nMEDBLOCKS_API_VERSION=2027-01-31\nBFF_NOTHING=\n")
    monkeypatch.delenv("MEDBLOCKS_API_VERSION", raising=False)
    monkeypatch.setenv("BFF_SIGNUP_SOURCE", "environment")

    values = environment(tmp_path / ".env")

    assert values["BFF_SIGNUP_SOURCE"] == "environment"
    assert values["MEDBLOCKS_API_VERSION"] == "2027-01-31"
    assert "BFF_NOTHING" not in values


def test_the_dotenv_file_is_that_of_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BFF_SIGNUP_SOURCE", raising=False)
    (tmp_path / ".env").write_text("BFF_SIGNUP_SOURCE=file\n")

    assert environment()["BFF_SIGNUP_SOURCE"] == "file"


def test_there_need_be_no_dotenv_file(tmp_path, monkeypatch):
    monkeypatch.setenv("BFF_SIGNUP_SOURCE", "environment")

    assert environment(tmp_path / ".env")["BFF_SIGNUP_SOURCE"] == "environment"
    assert environment(tmp_path)["BFF_SIGNUP_SOURCE"] == "environment"


@pytest.mark.parametrize(
    "written", ["this is wrong", "=x", "BFF_ACCESS enforce", "BFF_ACCESS", "export BFF_ACCESS"]
)
def test_a_line_that_sets_nothing_is_told_with_its_number(tmp_path, written):
    (tmp_path / ".env").write_text(f"BFF_ACCESS=enforce\n# a comment\n\n\n{written}\nBFF_RATE_LIMIT=on\n")

    with pytest.raises(SettingsError) as caught:
        environment(tmp_path / ".env")

    assert caught.value.problems == [f"{tmp_path}/.env, line 5, can't be read. Write NAME=value."]


def test_a_file_in_another_encoding_is_told_without_what_is_in_it(tmp_path):
    (tmp_path / ".env").write_bytes("BFF_BRAND_NAME=Z\u00fcrich canary\n".encode("latin-1"))

    with pytest.raises(SettingsError) as caught:
        environment(tmp_path / ".env")

    assert caught.value.problems == [
        f"{tmp_path}/.env can't be read. Save it as UTF-8, and check its permissions."
    ]
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_a_file_as_some_editors_save_it_is_read(tmp_path, monkeypatch):
    monkeypatch.delenv("BFF_BRAND_NAME", raising=False)
    (tmp_path / ".env").write_bytes("BFF_BRAND_NAME=Z\u00fcrich\r\n".encode("utf-8-sig"))

    assert environment(tmp_path / ".env")["BFF_BRAND_NAME"] == "Zürich"


@pytest.mark.parametrize("quote", ["'", '"'])
def test_plain_quotes_in_a_dotenv_file_are_no_part_of_a_value(tmp_path, monkeypatch, quote):
    monkeypatch.delenv("BFF_BRAND_NAME", raising=False)
    (tmp_path / ".env").write_text(f"BFF_BRAND_NAME={quote}Alder Example{quote}\n")

    assert environment(tmp_path / ".env")["BFF_BRAND_NAME"] == "Alder Example"
