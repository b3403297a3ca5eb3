"""Runs libcurl's transfers beside other greenlets: while one waits for the network, the others go on.

They run through libcurl's multi interface, driven by gevent's event loop (see curl_multi_socket_action in
libcurl's documentation).
"""

import time
from typing import Any

import pycurl
from gevent.hub import Hub, Waiter

_TO_LIBCURL = 3  # READ and WRITE have the same bits in libev (1, 2) and in libcurl's CURL_CSELECT_* (1, 2)


class TransferLoop:
    """The transfers of one event loop, and the connections that they share."""

    def __init__(self, hub: Hub, connections: int) -> None:
        self._hub = hub
        self._loop = hub.loop
        self._waiting: dict[pycurl.Curl, Waiter[Any]] = {}
        self._wanted: dict[int, int] = {}  # of sockets, what libcurl has said since it was called
        self._watchers: dict[tuple[int, int], Any] = {}
        self._active: dict[int, Any] = {}
        self._timer: Any = None
        self._starting = False
        self._due = 0.0  # when libcurl wants to be called, in time.monotonic(); 0 for not at all
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, connections)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._want)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._remind)

    def run(self, handle: pycurl.Curl) -> None:
        """Start a transfer, and wait for its end in this greenlet. Raises pycurl.error."""
        waiter: Waiter[Any] = Waiter(self._hub)
        self._waiting[handle] = waiter
        # What libcurl has to do first, it wants to be reminded of at once, and does in a moment.
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

    def _want(self, what: int, fd: int, _: object, __: object) -> None:
        """Take note of what libcurl waits for on a socket; it says so up to four times while it is called."""
        self._wanted[fd] = what

    def _watch(self) -> None:
        """Watch sockets for what libcurl waits for on them, or not any more."""
        for fd, what in self._wanted.items():
            active = self._active.pop(fd, None)
            if active is not None:
                active.stop()
            if what != pycurl.POLL_REMOVE:
                # A watcher is made once for each number of a socket, and used again: sockets are kept, too.
                watcher: Any = self._watchers.get((fd, what))
                if watcher is None:
                    # libcurl's POLL_IN, POLL_OUT and POLL_INOUT have libev's numbers.
                    watcher = self._watchers[fd, what] = self._loop.io(fd, what)
                # Says anew what it watches: libev can't see that a socket was closed and its number given to
                # another, and would not watch that one ("disappearing file descriptors" in its manual).
                watcher.fd = fd
                watcher.start(self._ready, fd, pass_events=True)
                self._active[fd] = watcher
        self._wanted.clear()

    def _ready(self, events: int, fd: int) -> None:
        self._act(fd, events & _TO_LIBCURL)

    def _remind(self, milliseconds: int) -> None:
        """Let libcurl be called in so many milliseconds. A timer that rings too early is set anew then."""
        if milliseconds < 0:
            self._due = 0.0
            return
        if self._starting and milliseconds == 0:
            return
        self._due = time.monotonic() + milliseconds / 1000
        if self._timer is None or self._rings > self._due:
            self._set_timer(milliseconds / 1000)

    def _set_timer(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
        self._rings = time.monotonic() + seconds
        self._timer = self._loop.timer(seconds)
        self._timer.start(self._ring)

    def _ring(self) -> None:
        self._timer.close()
        self._timer = None
        if not self._due:
            return
        left = self._due - time.monotonic()
        if left > 0:
            self._set_timer(left)
        else:
            self._act(pycurl.SOCKET_TIMEOUT, 0)
