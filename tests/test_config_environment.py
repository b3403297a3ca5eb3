"""Where the variables come from: the process first, then a `.env` file."""

from bff.config import environment


def test_a_dotenv_file_fills_in_what_the_environment_lacks(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text(
        "BFF_SIGNUP_SOURCE=file\nMEDBLOCKS_API_VERSION=2027-01-31\nBFF_NOTHING=\nX\n"
    )
    monkeypatch.delenv("MEDBLOCKS_API_VERSION", raising=False)
    monkeypatch.setenv("BFF_SIGNUP_SOURCE", "environment")

    values = environment(tmp_path / ".env")

    assert values["BFF_SIGNUP_SOURCE"] == "environment"
    assert values["MEDBLOCKS_API_VERSION"] == "2027-01-31"
    assert "BFF_NOTHING" not in values
    assert "X" not in values


def test_the_dotenv_file_is_that_of_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BFF_SIGNUP_SOURCE", raising=False)
    (tmp_path / ".env").write_text("BFF_SIGNUP_SOURCE=file\n")

    assert environment()["BFF_SIGNUP_SOURCE"] == "file"


def test_there_need_be_no_dotenv_file(tmp_path, monkeypatch):
    monkeypatch.setenv("BFF_SIGNUP_SOURCE", "environment")

    assert environment(tmp_path / ".env")["BFF_SIGNUP_SOURCE"] == "environment"
    assert environment(tmp_path)["BFF_SIGNUP_SOURCE"] == "environment"
