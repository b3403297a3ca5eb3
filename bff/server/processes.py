"""Runs the server: in this process, or in several, which share the listening socket.

With several, this process only looks after them: it passes signals on, and starts anew what has died.
"""

import gc
import logging
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import gevent
import gevent.socket
from flask import Flask
from gevent.event import Event

from bff.lines import whereabouts
from bff.server import Server

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_PAUSE_SECONDS = 1.0  # before what died is started anew, so that a fault at start does not spin

log = logging.getLogger("bff.server")


@dataclass(frozen=True)
class Plan:
    """How to serve: `make_app` is called in each process, since nothing that it opens may cross a fork."""

    make_app: Callable[[], Flask]
    processes: int
    requests: int
    through_proxy: bool


def hold_signals() -> None:
    """Let a signal to stop wait until `serve` is ready for it, so that none ends a half-made process."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def serve(plan: Plan, listener: socket.socket) -> None:
    """Answer until SIGTERM or Ctrl-C, then finish what is under way, within 10 seconds."""
    hold_signals()
    if plan.processes == 1:
        _serve_here(plan, listener, parent=None)
    else:
        _look_after(plan, listener)


def _serve_here(plan: Plan, listener: socket.socket, parent: socket.socket | None) -> None:
    """Serve in this process; `parent` ends when the process that looks after this one does."""
    app = plan.make_app()
    server = Server(
        app,
        listener,
        requests=plan.requests,
        max_body=app.config["MAX_CONTENT_LENGTH"],
        through_proxy=plan.through_proxy,
    )
    stopping = Event()
    for number in _SIGNALS:
        gevent.signal_handler(number, stopping.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    if parent is not None:
        gevent.spawn(_follow, parent, stopping)
    server.start()
    # What is there by now stays: the garbage collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    # Often and a little: with ten times as much to look at, a request in a hundred waited 15 to 30 ms for it.
    gc.set_threshold(2_000, 10, 100)
    stopping.wait()
    server.stop()


def _follow(parent: socket.socket, stopping: Event) -> None:
    gevent.socket.wait_read(parent.fileno())
    stopping.set()


def _look_after(plan: Plan, listener: socket.socket) -> None:
    ours, theirs = socket.socketpair()
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD,))

    def born() -> int:
        pid = os.fork()
        if pid == 0:
            ours.close()
            _end_with(plan, listener, theirs)
        return pid

    children = {born() for _ in range(plan.processes)}
    while (arrived := signal.sigwait((*_SIGNALS, signal.SIGCHLD))) == signal.SIGCHLD:
        for pid in _dead(children):
            log.error("a server process died, and is started anew")
            children = {*children - {pid}, born()}
            signal.sigtimedwait((), _PAUSE_SECONDS)
    listener.close()
    for pid in children:
        os.kill(pid, arrived)
    for pid in children:
        os.waitpid(pid, 0)


def _dead(children: set[int]) -> set[int]:
    return {pid for pid in children if os.waitpid(pid, os.WNOHANG)[0]}


def _end_with(plan: Plan, listener: socket.socket, parent: socket.socket) -> NoReturn:
    """Be a server process, and end as one: what the parent still has to do at its end is not ours."""
    status = 1
    try:
        _serve_here(plan, listener, parent)
        status = 0
    except Exception as error:  # noqa: BLE001 - whatever it is, this process ends with it
        log.error("a server process could not serve: %s", whereabouts(error))  # noqa: TRY400 - its text could hold a secret
    finally:
        logging.shutdown()
        os._exit(status)
