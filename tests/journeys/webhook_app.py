"""The product with a handler for webhooks, whose first response gets lost; for test_webhooks.py."""

import os
from pathlib import Path

from werkzeug.wrappers import Response

from bff import create_app
from bff.config import load_settings


def create():
    handled = Path(os.environ["TEST_HANDLED"])

    def handle(event):
        with handled.open("a") as file:
            file.write(f"{event['type']} {event['data']['object']['patient_id']}\n")

    app = create_app(load_settings(os.environ), on_event=handle)
    app.wsgi_app = FirstResponseLost(app.wsgi_app)
    return app


class FirstResponseLost:
    """Replaces the first response by one that a proxy sends when it has lost the server's."""

    def __init__(self, inner):
        self._inner = inner
        self._lost = False

    def __call__(self, environ, start_response):
        if self._lost:
            return self._inner(environ, start_response)
        self._lost = True
        Response.from_app(self._inner, environ, buffered=True)
        return Response("<h1>502 Bad Gateway</h1>", 502)(environ, start_response)
