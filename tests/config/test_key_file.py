"""The key in a file, as container platforms mount secrets."""

import pytest

from bff.config import SettingsError, load_settings
from tests.factories import KEY


@pytest.fixture
def key_file(tmp_path):
    def write(content):
        path = tmp_path / "api-key"
        path.write_bytes(content)
        return str(path)

    return write


def problems(**variables):
    with pytest.raises(SettingsError) as caught:
        load_settings(variables)
    return caught.value.problems


@pytest.mark.parametrize("content", [KEY, f"{KEY}\n", f"  {KEY}\r\n"])
def test_key_is_read_from_a_file(key_file, content):
    settings = load_settings({"MEDBLOCKS_API_KEY_FILE": key_file(content.encode())})

    assert settings.api_key.reveal() == KEY


def test_key_and_key_file_together_are_refused(key_file):
    path = key_file(KEY.encode())

    assert problems(MEDBLOCKS_API_KEY=KEY, MEDBLOCKS_API_KEY_FILE=path) == [
        "MEDBLOCKS_API_KEY_FILE is set, and MEDBLOCKS_API_KEY too. Keep one of them."
    ]


def test_key_file_beside_an_empty_key_is_read(key_file):
    path = key_file(KEY.encode())

    assert load_settings({"MEDBLOCKS_API_KEY": "", "MEDBLOCKS_API_KEY_FILE": path}).api_key.reveal() == KEY


@pytest.mark.parametrize("path", ["missing", ".", "nul\0"])
def test_unreadable_key_file_is_reported_without_its_path(tmp_path, path):
    (problem,) = problems(MEDBLOCKS_API_KEY_FILE=str(tmp_path / path))

    rest = "names a file that can't be read. Check the path and its permissions."
    assert problem == f"MEDBLOCKS_API_KEY_FILE {rest}"


def test_non_ascii_key_file_is_refused_without_content(key_file):
    (problem,) = problems(MEDBLOCKS_API_KEY_FILE=key_file("clé-canary".encode()))

    assert problem.startswith("MEDBLOCKS_API_KEY_FILE ")
    assert "canary" not in problem


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["", "\r\n"])
def test_key_file_written_by_powershell_is_read(key_file, encoding, end):
    bom = "\ufeff" if encoding.endswith("e") else ""

    settings = load_settings({"MEDBLOCKS_API_KEY_FILE": key_file(f"{bom}{KEY}{end}".encode(encoding))})

    assert settings.api_key.reveal() == KEY


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("text", [f'"{KEY}"', f"'{KEY}'\r\n", f"“{KEY}”", f'"{KEY}', f"{KEY}'"])
def test_quoted_key_in_a_file_is_refused(key_file, encoding, text):
    (problem,) = problems(MEDBLOCKS_API_KEY_FILE=key_file(text.encode(encoding)))

    assert problem.startswith("MEDBLOCKS_API_KEY_FILE ")
    assert "canary" not in problem


@pytest.mark.parametrize("data", [b"\xff\xfeabc", b"\xfe\xff\xd8\x00\x00a", b"\xef\xbb\xbf\xff", b"a\0b\0"])
def test_key_file_in_an_unknown_encoding_is_refused(key_file, data):
    (problem,) = problems(MEDBLOCKS_API_KEY_FILE=key_file(data))

    assert problem.startswith("MEDBLOCKS_API_KEY_FILE ")


@pytest.mark.parametrize("content", [b"", b"\n", b"two words\n", b"two\nlines\n"])
def test_key_file_without_a_key_is_refused(key_file, content):
    (problem,) = problems(MEDBLOCKS_API_KEY_FILE=key_file(content))

    assert problem.startswith("MEDBLOCKS_API_KEY")
    assert "two" not in problem


def test_live_key_in_a_file_needs_an_https_upstream(key_file):
    (problem,) = problems(
        MEDBLOCKS_API_KEY_FILE=key_file(b"mb_sk_live_canary"), MEDBLOCKS_BASE_URL="http://127.0.0.1:8001"
    )

    assert problem.startswith("MEDBLOCKS_BASE_URL ")
    assert "canary" not in problem


def test_key_file_problem_does_not_hide_others(tmp_path):
    reported = problems(MEDBLOCKS_API_KEY_FILE=str(tmp_path / "missing"), BFF_PUBLIC_URL="nonsense")

    assert {problem.split()[0] for problem in reported} == {"MEDBLOCKS_API_KEY_FILE", "BFF_PUBLIC_URL"}
