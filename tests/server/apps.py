"""A WSGI app that shows what a server makes of a request, for the tests of servers."""

import os
import socket

from flask import Flask, request

from bff import create_app
from bff.config import SettingsError, load_settings

MAX_BODY = 64 * 1024
LARGE = 8_000_000


def create_wire_app():
    made = Flask("wire")
    made.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    if hops := os.environ.get("TEST_PROXY_HOPS"):  # our app is a part of the one that is served
        made.extensions["part"] = create_app(
            load_settings({"MEDBLOCKS_API_KEY": "mb_sk_sbx_x", "BFF_PROXY_HOPS": hops})
        )

    @made.route("/echo/<name>", methods=["GET", "POST"])
    def echo(name):
        return {
            "name": name,
            "size": len(request.get_data()),
            "forwarded": request.headers.get("X-Forwarded-For"),
            "query": request.query_string.decode(),
            "upgrade": request.headers.get("Upgrade"),
            "client": [request.remote_addr, request.environ["REMOTE_PORT"]],
            "pid": os.getpid(),
        }

    @made.get("/broken/<name>")
    def broken(name):
        def body():
            yield "x"
            raise RuntimeError(name)

        return body()

    @made.get("/nothing")
    def nothing():
        return "", 204

    @made.get("/large")
    def large():
        return "x" * LARGE

    @made.get("/held/<int:port>")
    def held(port):
        """Report to the gate of a test at a port, and answer when the gate opens."""
        with socket.create_connection(("127.0.0.1", port), timeout=30) as gate:
            gate.recv(1)
        return "ok"

    made.add_url_rule("/busy", view_func=busy)
    return made


def busy():
    """Hold the process up for ever."""
    while True:
        pass


def refuse_settings():
    raise SettingsError(["BFF_ACCESS must be one of auto, enforce, report."])


def fail_to_create_app():
    raise RuntimeError("the secret")
