"""The faults that use the connection in their own way; each docstring is what people are shown of it."""

from typing import NoReturn

from werkzeug.wrappers import Response

from bff.sandbox.fault_replies import OVERSIZED_BYTES
from bff.sandbox.fault_wire import Dropped, Exchange, head, raw


def silence(exchange: Exchange) -> NoReturn:
    """Never answer; change nothing."""
    exchange.wait_for_goodbye()


def reset_before_commit(exchange: Exchange) -> NoReturn:
    """Reset the connection; change nothing."""
    exchange.reset()
    raise Dropped


def reset_during_commit(exchange: Exchange) -> NoReturn:
    """Reset the connection, and make the change at once, or `ms` later."""
    late_commit(exchange)


def reset_after_commit(exchange: Exchange) -> NoReturn:
    """Make the change, and then reset the connection."""
    exchange.commit()
    exchange.reset()
    raise Dropped


def late_commit(exchange: Exchange) -> NoReturn:
    """Reset the connection, and make the change `ms` later."""
    exchange.reset()
    exchange.wait()
    exchange.commit()
    raise Dropped


def half_body(exchange: Exchange) -> NoReturn:
    """Make the change, and send half of the body that Content-Length promises."""
    response = exchange.commit()
    body = response.get_data()
    exchange.send(head(response) + body[: len(body) // 2])
    raise Dropped


def half_chunks(exchange: Exchange) -> NoReturn:
    """Make the change, and send half of the body as a chunk, without a last one."""
    body = _begin_chunks(exchange)
    exchange.send(_chunk(body[: len(body) // 2]))
    raise Dropped


def oversized_chunks(exchange: Exchange) -> NoReturn:
    """Make the change, and answer with 2 MiB in chunks, so that nothing tells their length first."""
    body = _begin_chunks(exchange)
    exchange.send(_chunk(body + b" " * OVERSIZED_BYTES) + _chunk(b""))
    raise Dropped


def drip(exchange: Exchange) -> NoReturn:
    """Make the change, and send the whole answer byte by byte, `ms` apart."""
    _send_slowly(exchange, raw(_last(exchange.commit())))


def drip_body(exchange: Exchange) -> NoReturn:
    """Make the change, and send the body byte by byte, `ms` apart."""
    response = _last(exchange.commit())
    exchange.send(head(response))
    _send_slowly(exchange, response.get_data())


def _last(response: Response) -> Response:
    response.headers["Connection"] = "close"
    return response


def _begin_chunks(exchange: Exchange) -> bytes:
    response = _last(exchange.commit())
    body = response.get_data()
    del response.headers["Content-Length"]
    response.headers["Transfer-Encoding"] = "chunked"
    exchange.send(head(response))
    return body


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _send_slowly(exchange: Exchange, data: bytes) -> NoReturn:
    for position in range(len(data)):
        exchange.send(data[position : position + 1])
        exchange.wait()
    raise Dropped
