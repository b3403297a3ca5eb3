"""Several processes without Redis are a warning, once, whatever server runs the app."""

import pytest

from bff.middleware.deployment import DEPLOYMENT
from tests.factories import make_app

REDIS = {"BFF_REDIS_URL": "redis://127.0.0.1:1"}


@pytest.fixture
def warned(caplog):
    """Return the warnings about processes."""

    def messages():
        return [record.getMessage() for record in caplog.records if "BFF_REDIS_URL" in record.getMessage()]

    return messages


def ask(app, *, several):
    return app.test_client().get("/healthz", environ_overrides={"wsgi.multiprocess": several})


def test_a_server_with_several_processes_is_a_warning_once(warned):
    app = make_app()
    for _ in range(3):
        assert ask(app, several=True).status_code == 200

    (text,) = warned()
    assert text.startswith("The server can run several processes, and BFF_REDIS_URL is not set: each process")


@pytest.mark.parametrize(("several", "settings"), [(False, {}), (True, REDIS)])
def test_one_process_or_redis_is_no_warning(warned, several, settings):
    ask(make_app(**settings), several=several)

    assert warned() == []


@pytest.mark.parametrize(
    ("processes", "first", "settings", "count"),
    [(2, True, {}, 1), (2, False, {}, 0), (1, True, {}, 0), (2, True, REDIS, 0)],
)
def test_the_worker_knows_at_its_start(warned, processes, first, settings, count):
    app = make_app(**settings)
    app.extensions[DEPLOYMENT].start(processes, first=first)
    ask(app, several=True)

    assert len(warned()) == count
    assert all(text.startswith("2 processes serve, and BFF_REDIS_URL") for text in warned())
