"""How many open files the server allows itself."""

import resource

import pytest

from bff import server

NONE = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "raised_to"),
    [
        (1024, 4096, 4096),
        (1024, 500_000, 65_536),
        (1024, NONE, 65_536),
        (100_000, 500_000, None),
        (4096, 4096, None),
        (NONE, NONE, None),
    ],
)
def test_the_limit_is_raised_where_it_can_be_and_never_lowered(monkeypatch, soft, hard, raised_to):
    told = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: told.append(limits))

    server._raise_file_limit()

    assert told == ([] if raised_to is None else [(raised_to, hard)])
