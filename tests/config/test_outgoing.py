"""How calls leave this machine: private certificate authorities, and the proxy for Medblocks."""

import pytest

from bff.config import SettingsError, load_settings
from tests.factories import KEY
from tests.https_host import certificate_file

UNREADABLE = "names a file that can't be read. Check the path and its permissions."
NO_CERTIFICATES = "must be a file with certificates in PEM (-----BEGIN CERTIFICATE-----)."
FORM = "must be such as http://proxy.example:3128, with its port and no path."


def problems(**variables):
    with pytest.raises(SettingsError) as caught:
        load_settings({"MEDBLOCKS_API_KEY": KEY, **variables})
    return caught.value.problems


@pytest.fixture
def certificate(tmp_path):
    return str(certificate_file(tmp_path))


def load(**variables):
    return load_settings({"MEDBLOCKS_API_KEY": KEY, **variables})


@pytest.mark.parametrize("name", ["BFF_CA_FILE", "SSL_CERT_FILE"])
def test_either_variable_names_the_authorities(certificate, name):
    assert load(**{name: certificate}).ca_file == certificate


def test_the_setting_comes_before_ssl_cert_file(certificate, tmp_path):
    other = str(certificate_file(tmp_path))

    assert load(BFF_CA_FILE=certificate, SSL_CERT_FILE=other).ca_file == certificate


def test_by_default_the_public_authorities_count():
    assert load().ca_file is None


@pytest.mark.parametrize("name", ["BFF_CA_FILE", "SSL_CERT_FILE"])
@pytest.mark.parametrize("path", ["missing", ".", "nul\0"])
def test_an_unreadable_file_of_authorities_is_reported(tmp_path, name, path):
    assert problems(**{name: str(tmp_path / path)}) == [f"{name} {UNREADABLE}"]


@pytest.mark.parametrize(
    "content",
    ["", "canary", "-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----\n", "\xff\xfe"],
)
def test_a_file_without_certificates_is_reported(tmp_path, content):
    file = tmp_path / "authorities.pem"
    file.write_bytes(content.encode("latin-1"))

    assert problems(BFF_CA_FILE=str(file)) == [f"BFF_CA_FILE {NO_CERTIFICATES}"]


@pytest.mark.parametrize(
    "url",
    [
        "http://proxy.example:3128",
        "https://proxy.example:443",
        "http://asha:p%40ss@proxy.example:3128/",
        "http://127.0.0.1:3128",
        "http://[::1]:3128",
    ],
)
def test_a_proxy_is_an_http_or_https_url(url):
    settings = load(MEDBLOCKS_PROXY=url)

    assert settings.proxy.reveal() == url
    assert "proxy.example" not in repr(settings)


@pytest.mark.parametrize(
    "url",
    [
        "canary",
        "canary:3128",
        "socks5://canary:1080",
        "http://canary",
        "http://canary:0",
        "http://canary:99999",
        "http://canary:port",
        "http://:3128",
        "http://canary:3128/path",
        "http://canary:3128?query",
        "http://canary:3128#fragment",
        "http://can ary:3128",
        "http://asha:canary@proxy_example/:3128",
        "http://[canary]:3128",
        "http://canary:3128\nX: y",
    ],
)
def test_another_proxy_is_reported_without_its_value(url):
    (problem,) = problems(MEDBLOCKS_PROXY=url)

    assert problem == f"MEDBLOCKS_PROXY {FORM}"


def test_a_clear_text_upstream_goes_through_no_proxy():
    (problem,) = problems(
        MEDBLOCKS_PROXY="http://proxy.example:3128", MEDBLOCKS_BASE_URL="http://127.0.0.1:8001"
    )

    assert problem.startswith("MEDBLOCKS_PROXY is set, but MEDBLOCKS_BASE_URL is http://")
