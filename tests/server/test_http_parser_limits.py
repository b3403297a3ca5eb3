"""The production server's limits: their figures, and how addresses and headers count."""

import json

import pytest

from bff.errors import MAX_BODY_BYTES
from bff.server import gunicorn_conf
from bff.server.connection import REQUEST_SECONDS
from bff.server.http_parser import RequestParser
from bff.server.refusals import Refused, refusal

KIB = 1024


def parse(target="/", headers=""):
    parser = RequestParser({}, MAX_BODY_BYTES)
    parser.receive(f"GET {target} HTTP/1.1\r\nHost: bff.example.com\r\n{headers}\r\n".encode())
    return parser.next()


def code_of(refused):
    status, _, body = refusal(refused.value.status)
    return status.partition(" ")[0], json.loads(body)["error"]["code"]


def test_limits_of_connections_and_time_are_as_promised():
    assert gunicorn_conf.worker_connections == 2000
    assert gunicorn_conf.graceful_timeout == 10
    assert (REQUEST_SECONDS, MAX_BODY_BYTES) == (30, 64 * KIB)


def test_an_address_over_16_kib_is_refused():
    assert parse("/" + "x" * (16 * KIB - 1)) is not None
    with pytest.raises(Refused) as refused:
        parse("/" + "x" * 16 * KIB)

    assert code_of(refused) == ("414", "uri_too_long")


def test_each_header_counts_32_bytes_more():
    assert parse(headers="a:b\r\n" * 1900) is not None
    with pytest.raises(Refused) as refused:
        parse(headers="a:b\r\n" * (64 * KIB // 34 + 1))

    assert code_of(refused) == ("431", "headers_too_large")
