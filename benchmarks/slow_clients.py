"""200 clients that send headers a byte at a time, and 50 that hold their bodies open: who is delayed?"""

import argparse
import socket
import sys
import threading
import time
from contextlib import ExitStack
from typing import NamedTuple, Self

from benchmarks.client import percentile
from benchmarks.running import run_process, run_sandbox, variables

TIMEOUT = 30
HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
BODY = b'{"patientId": "slow-00"}'


class Reply(NamedTuple):
    """An answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


def receive(connection: socket.socket) -> Reply:
    """Read one answer, and not a byte more. Raises ConnectionError when the connection ends within it."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += _some(connection, 1)
    status, *lines = head.decode("latin-1").rstrip().split("\r\n")
    headers = {name.lower(): text for name, text in (line.split(": ", 1) for line in lines)}
    body = b""
    while len(body) < int(headers["content-length"]):
        body += _some(connection, int(headers["content-length"]) - len(body))
    return Reply(int(status.split()[1]), headers, body)


def _some(connection: socket.socket, most: int) -> bytes:
    data = connection.recv(most)
    if not data:
        raise ConnectionError("the connection ended within an answer")
    return data


class SlowClients:
    """Connections that have sent the beginning of a request, and go on a byte at a time."""

    def __init__(self, address: tuple[str, int], *, headers: int, bodies: int) -> None:
        self._unsent: dict[socket.socket, bytes] = {}
        self._stack = ExitStack()
        for number in range(headers + bodies):
            connection = self._stack.enter_context(socket.create_connection(address, TIMEOUT))
            self._unsent[connection] = HEAD
            if number >= headers:
                body = BODY.replace(b"00", b"%02d" % (number - headers))
                connection.sendall(
                    b"POST /api/patients HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n" % len(body)
                )
                self._unsent[connection] = body

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def send_a_byte_each(self) -> None:
        """Send the next byte of each, if there is one."""
        for connection, unsent in self._unsent.items():
            if unsent:
                connection.sendall(unsent[:1])
                self._unsent[connection] = unsent[1:]

    def receive(self) -> list[Reply]:
        """Read an answer from each."""
        return [receive(connection) for connection in self._unsent]


def measure(address: tuple[str, int], seconds: float) -> list[float]:
    """Ask over one connection for so long, a hundred times a second; give the seconds that each took."""
    took = []
    ends = time.monotonic() + seconds
    with socket.create_connection(address, TIMEOUT) as connection:
        while time.monotonic() < ends:
            began = time.monotonic()
            connection.sendall(b"GET /api/connections?q=ho HTTP/1.1\r\nHost: localhost\r\n\r\n")
            if receive(connection).status != 200:
                raise RuntimeError("an answer is no success")
            took.append(time.monotonic() - began)
            time.sleep(0.01)
    return took


def _drip(slow: SlowClients, ended: threading.Event) -> None:
    # Slowly enough that no request is complete before the end.
    while not ended.wait(1):
        slow.send_a_byte_each()


def main() -> int:
    """Print the figures; give 1 when the others' p99 is 100 ms or more."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow_clients", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    seconds = min(parser.parse_args().seconds, len(BODY) - 4.0)
    with (
        run_sandbox() as upstream,
        run_process("serve", "--port", "0", quiet=True, **variables(upstream.address)) as running,
    ):
        address = ("127.0.0.1", running.port)
        alone = percentile(measure(address, 2), 99)
        with SlowClients(address, headers=200, bodies=50) as slow:
            ended = threading.Event()
            dripping = threading.Thread(target=_drip, args=(slow, ended))
            dripping.start()
            took = measure(address, seconds)
            ended.set()
            dripping.join()
    p99 = percentile(took, 99)
    sys.stdout.write(
        f"{len(took)} requests of others beside 250 slow clients: p50 {percentile(took, 50) * 1000:.1f} ms, "
        f"p99 {p99 * 1000:.1f} ms (alone: p99 {alone * 1000:.1f} ms)\n"
    )
    return 0 if p99 < 0.1 else 1


if __name__ == "__main__":
    sys.exit(main())
