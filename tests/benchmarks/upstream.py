"""A Medblocks that costs next to no processor time: any patient can be read, 20 ms later."""

import asyncio
import json
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from urllib.parse import unquote

LATENCY_SECONDS = 0.02
_LIFE_SECONDS = 900


def _patient(patient_id: str) -> bytes:
    body = {
        "id": patient_id,
        "resource_type": "patient",
        "email": None,
        "name": None,
        "metadata": {},
        "created_at": "2026-04-25T09:30:00Z",
        "connections": [],
    }
    return json.dumps(body).encode()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(LATENCY_SECONDS)
            body = _patient(unquote(head.split(b" ", 2)[1].rpartition(b"/")[2].decode()))
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
                + body
            )
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client has enough
    finally:
        writer.close()


async def _serve(ready: Connection) -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=1024)
    async with server:
        ready.send(server.sockets[0].getsockname()[1])
        # It ends by itself too, should nobody end it.
        await asyncio.sleep(_LIFE_SECONDS)


def _run(ready: Connection) -> None:
    asyncio.run(_serve(ready))


@contextmanager
def run_upstream() -> Iterator[str]:
    """Run it as a process of its own, and give its address."""
    theirs, ours = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(theirs,), daemon=True)
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
