"""A client for load: many connections in one thread, each asking in its own rhythm, all in a bounded time."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

CALM_SECONDS = 60.0


class Sample(NamedTuple):
    """One answered request: when it was sent, how long it took, its status, whether it said when to retry."""

    began: float
    took: float
    status: int
    retry_after: bool


class Connection:
    """One browser's connection, opened again whenever the server has closed it."""

    def __init__(self, port: int, path: str, cookie: str = "") -> None:
        self._port = port
        line = f"Cookie: {cookie}\r\n" if cookie else ""
        self._request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{line}\r\n".encode()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self) -> Sample:
        """Send the request, and read the answer to its end."""
        began = time.monotonic()
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(self._request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        if b"\r\nconnection: close" in head:
            await self.close()
        return Sample(began, time.monotonic() - began, int(head[9:12]), b"\r\nretry-after:" in head)

    async def close(self) -> None:
        """Close it, if it is open."""
        if self._streams:
            self._streams[1].close()
            await self._streams[1].wait_closed()
            self._streams = None


Rest = Callable[[Sample], Awaitable[None]]


async def _browse(connection: Connection, ends: float, late: float, rest: Rest) -> list[Sample]:
    samples = []
    await asyncio.sleep(late)
    try:
        while time.monotonic() < ends:
            samples.append(await connection.ask())
            await rest(samples[-1])
    finally:
        await connection.close()
    return samples


def load(connections: list[Connection], seconds: float, rest: Rest, *, spread: float = 0.0) -> list[Sample]:
    """Send requests on every connection for so many seconds, with a pause after each response.

    They begin within the seconds of `spread`. Raises OSError, EOFError or TimeoutError when a request gets no
    answer.
    """

    async def run() -> list[Sample]:
        ends = time.monotonic() + seconds
        async with asyncio.timeout(seconds + CALM_SECONDS):
            browsers = [
                _browse(connection, ends, number * spread / len(connections), rest)
                for number, connection in enumerate(connections)
            ]
            return [sample for samples in await asyncio.gather(*browsers) for sample in samples]

    return asyncio.run(run())


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many percent of all values do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]
