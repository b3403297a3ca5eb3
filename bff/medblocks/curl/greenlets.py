"""Runs libcurl's transfers in greenlets: while one waits for the network, the others go on.

Uses libcurl's multi interface, driven by gevent's event loop (see curl_multi_socket_action in libcurl's
documentation).
"""

import time
from typing import Any

import pycurl
from gevent.hub import Hub, Waiter

_TO_LIBCURL = 3  # READ and WRITE have the same bits in libev (1, 2) and in libcurl's CURL_CSELECT_* (1, 2)


class TransferLoop:
    """Runs the transfers of one event loop, which share connections."""

    def __init__(self, hub: Hub, connections: int) -> None:
        self._hub = hub
        self._loop = hub.loop
        self._waiting: dict[pycurl.Curl, Waiter[Any]] = {}
        self._wanted: dict[
            int, int
        ] = {}  # by socket: the events that libcurl asked for during the current call
        self._watchers: dict[tuple[int, int], Any] = {}
        self._active: dict[int, Any] = {}
        self._timer: Any = None
        self._starting = False
        self._due = 0.0  # when libcurl wants to be called, in time.monotonic(); 0 for never
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, connections)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._note_events)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_due)

    def run(self, handle: pycurl.Curl) -> None:
        """Run a transfer, and wait for its end in this greenlet. Raise pycurl.error."""
        waiter: Waiter[Any] = Waiter(self._hub)
        self._waiting[handle] = waiter
        # libcurl asks for a timer of 0 ms to start the transfer; the call of `_act` below does that at once.
        self._starting = True
        self._multi.add_handle(handle)
        self._starting = False
        try:
            self._act(pycurl.SOCKET_TIMEOUT, 0)
            fault = waiter.get()
        finally:
            self._waiting.pop(handle, None)
            self._multi.remove_handle(handle)
            if self._wanted:
                self._watch()
        if fault:
            raise pycurl.error(*fault)

    def _act(self, fd: int, events: int) -> None:
        _, running = self._multi.socket_action(fd, events)
        if self._wanted:
            self._watch()
        more = running < len(self._waiting)
        while more:
            more, good, bad = self._multi.info_read()
            for handle in good:
                self._end(handle, None)
            for handle, code, text in bad:
                self._end(handle, (code, text))

    def _end(self, handle: pycurl.Curl, fault: tuple[int, str] | None) -> None:
        waiter = self._waiting.pop(handle, None)
        if waiter is not None:
            self._loop.run_callback(waiter.switch, fault)

    def _note_events(self, what: int, fd: int, _: object, __: object) -> None:
        """Note the events that libcurl waits for on a socket; it reports up to four times in one call."""
        self._wanted[fd] = what

    def _watch(self) -> None:
        """Start and stop watchers for the events that libcurl asked for."""
        for fd, what in self._wanted.items():
            active = self._active.pop(fd, None)
            if active is not None:
                active.stop()
            if what != pycurl.POLL_REMOVE:
                # Watchers are created once per socket number and reused, as the sockets are.
                watcher: Any = self._watchers.get((fd, what))
                if watcher is None:
                    # libcurl's POLL_IN, POLL_OUT and POLL_INOUT have libev's numbers.
                    watcher = self._watchers[fd, what] = self._loop.io(fd, what)
                # Setting the number again tells libev that it may be another socket now: libev does not see
                # that the old one was closed ("disappearing file descriptors" in its manual).
                watcher.fd = fd
                watcher.start(self._ready, fd, pass_events=True)
                self._active[fd] = watcher
        self._wanted.clear()

    def _ready(self, events: int, fd: int) -> None:
        self._act(fd, events & _TO_LIBCURL)

    def _set_due(self, milliseconds: int) -> None:
        """Call libcurl in so many milliseconds. A timer that fires too early is set again then."""
        if milliseconds < 0:
            self._due = 0.0
            return
        if self._starting and milliseconds == 0:
            return
        self._due = time.monotonic() + milliseconds / 1000
        if self._timer is None or self._fires_at > self._due:
            self._set_timer(milliseconds / 1000)

    def _set_timer(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
        self._fires_at = time.monotonic() + seconds
        self._timer = self._loop.timer(seconds)
        self._timer.start(self._fire)

    def _fire(self) -> None:
        self._timer.close()
        self._timer = None
        if not self._due:
            return
        left = self._due - time.monotonic()
        if left > 0:
            self._set_timer(left)
        else:
            self._act(pycurl.SOCKET_TIMEOUT, 0)
