"""The benchmark compares like with like: whoever takes part answers the same read with the same JSON."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.bench import contestants
from benchmarks.bench.browsers import Browsers, WrongAnswer, check_read, enroll
from benchmarks.bench.contestants import CONTESTANTS, NGINX, OURS
from benchmarks.upstream import run_upstream

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def browsers(folder: Path) -> Browsers:
    return enroll(folder, 2)


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with run_upstream(latency=0) as address:
        yield address


def skip_unless_installed(name: str) -> None:
    packages = CONTESTANTS[name].packages
    if packages and not packages.are_there():
        pytest.skip("its packages are not installed: make bench does it")
    if name == NGINX and shutil.which("nginx") is None:
        pytest.skip("there is no nginx")


@pytest.mark.parametrize("name", CONTESTANTS)
def test_every_contestant_answers_the_read_alike(
    name: str, folder: Path, browsers: Browsers, upstream: str
) -> None:
    skip_unless_installed(name)
    with contestants.run(name, upstream, folder) as server:
        check_read(server.port, browsers, normalised=name != NGINX)


def test_the_product_enforces_access_while_it_is_measured(
    folder: Path, browsers: Browsers, upstream: str
) -> None:
    path, _ = browsers.lines()[0]
    stranger = Browsers.write(folder / "stranger", [(path, "")])
    with contestants.run(OURS, upstream, folder) as server, pytest.raises(WrongAnswer, match="404"):
        check_read(server.port, stranger)
