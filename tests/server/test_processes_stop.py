"""Of several processes, none is started anew once the server was told to stop."""

import os
import signal
import socket
from types import SimpleNamespace

import pytest

from bff.server import processes


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_ends_before_the_parent_hears_of_the_signal_is_not_started_anew(monkeypatch, caplog, number):
    born, sent = [], []
    monkeypatch.setattr(os, "fork", lambda: born.append(1000 + len(born)) or born[-1])
    monkeypatch.setattr(os, "waitpid", lambda pid, *_: (pid, 0))  # each has ended by now
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    monkeypatch.setattr(signal, "pthread_sigmask", lambda *_: set())
    monkeypatch.setattr(signal, "sigwait", lambda _: number)
    plan = processes.Plan(lambda: None, processes=2, requests=1, through_proxy=False)

    ours, theirs = socket.socketpair()
    with ours, theirs:
        monkeypatch.setattr(socket, "socketpair", lambda: (ours, theirs))
        processes._look_after(plan, SimpleNamespace(close=lambda: None))

    assert sorted(sent) == [(1000, number), (1001, number)]
    assert not caplog.records
