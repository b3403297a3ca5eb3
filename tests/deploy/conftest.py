"""nginx with the files of `deploy/nginx`, before the product and the sandbox."""

import pytest
import requests

from benchmarks.bench.processes import held_port
from benchmarks.deployment import run_nginx
from benchmarks.running import run_process, run_sandbox, variables
from tests.processes import wait_until
from tests.programs import need


@pytest.fixture(scope="session", autouse=True)
def _nginx_is_installed():
    need("nginx", "nginx")


# A new worker imports much at its first request, which takes long while other tests run.
LONG_DEADLINES = {f"BFF_{kind}_SECONDS": "28" for kind in ("READ", "WRITE", "CATALOG")}


class Proxied:
    """The product behind nginx, as one browser reaches it."""

    def __init__(self, nginx, session):
        self.nginx, self._session = nginx, session

    def ask(self, method, path, **options):
        options = {"timeout": 60, "allow_redirects": False, **options}
        return self._session.request(method, f"{self.nginx.address}{path}", **options)


@pytest.fixture
def browser():
    """A browser with cookies, which takes no proxy from the environment."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture(scope="session")
def product_behind_nginx(tmp_path_factory):
    """The product behind nginx, which tests share."""
    with held_port() as port, run_sandbox() as upstream:
        changes = {
            **LONG_DEADLINES,
            "BFF_PUBLIC_URL": f"http://localhost:{port}",
            "BFF_PROXY_HOPS": "1",
            "MEDBLOCKS_WEBHOOK_SECRET": "whsec_of_the_tests",
        }
        settings = variables(upstream.address, **changes)
        with run_process("serve", "--port", "0", quiet=True, **settings) as running:
            server = running.address.removeprefix("http://")
            with run_nginx(tmp_path_factory.mktemp("deploy"), [server], port=port) as nginx:
                yield nginx


@pytest.fixture
def proxied(product_behind_nginx, browser):
    """The product behind nginx, with a new browser."""
    return Proxied(product_behind_nginx, browser)


@pytest.fixture
def down(tmp_path):
    """nginx before a server that does not run."""
    with held_port() as port, run_nginx(tmp_path, [f"127.0.0.1:{port}"]) as nginx:
        yield nginx


@pytest.fixture
def log_lines():
    """Return the lines of an access log once there are so many: nginx writes them after its responses."""

    def lines_of(nginx, count):
        return wait_until(lambda: len(lines := nginx.log().splitlines()) >= count and lines)

    return lines_of
