"""A Medblocks that costs little processor time and answers late: any patient and any facility can be read."""

import asyncio
import json
import multiprocessing
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import unquote

from benchmarks import records

LATENCY_SECONDS = 0.02
_LIFE_SECONDS = 1800
_counts: Counter[str] = Counter()


class _Conversation(asyncio.Protocol):
    """One connection: each request is answered when the latency has passed. `GET /counts` is no call."""

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while request := self._next_request():
            asyncio.get_running_loop().call_later(self._latency, self._send, _answer(*request))

    def _next_request(self) -> tuple[str, str, bytes] | None:
        head, end, rest = self._received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if not end or len(rest) < length:
            return None
        self._received = rest[length:]
        method, path, _ = head.split(b" ", 2)
        return method.decode(), unquote(path.decode()), rest[:length]

    def _send(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def _answer(method: str, path: str, body: bytes) -> bytes:
    if path == "/counts":
        return _reply(_counts)
    resource = path.split("/")[1]
    _counts[resource] += 1
    identity = json.loads(body)["patient_id"] if method == "POST" else path.rpartition("/")[2]
    return _record(resource, identity)


@lru_cache(maxsize=4096)
def _record(resource: str, identity: str) -> bytes:
    return _reply(records.stored(identity) if resource == "patients" else records.facility(identity))


def _reply(value: dict[str, Any]) -> bytes:
    body = json.dumps(value).encode()
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: req_bench\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _serve(ready: Connection, latency: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Conversation(latency), "127.0.0.1", 0, backlog=1024)
    async with server:
        ready.send(server.sockets[0].getsockname()[1])
        # It ends by itself too, should nobody end it.
        await asyncio.sleep(_LIFE_SECONDS)


def _run(ready: Connection, latency: float) -> None:
    asyncio.run(_serve(ready, latency))


@contextmanager
def run_upstream(latency: float = LATENCY_SECONDS) -> Iterator[str]:
    """Run it as a process of its own, each answer so many seconds late, and give its address."""
    theirs, ours = multiprocessing.Pipe()
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_run, args=(theirs, latency), daemon=True)
    process.start()
    try:
        if not ours.poll(30):
            raise RuntimeError("the upstream did not start")
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()
        process.close()
        ours.close()
        theirs.close()
