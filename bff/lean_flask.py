"""Flask without what this product does not use and every request would pay for."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

from flask import Flask, Request, Response
from flask.globals import request_ctx
from flask.sessions import SessionInterface, SessionMixin
from flask.typing import ResponseReturnValue
from werkzeug.routing import MapAdapter

from bff.quick_json import QuickJson


class _NoSession(SessionInterface):
    """There is none: the owner cookie is read by the guard, and only where it is needed."""

    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:  # noqa: ARG002 - Flask's signature
        return self._nothing

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Keep nothing."""

    def __init__(self) -> None:
        self._nothing = self.make_null_session(Flask(__name__))


class LeanFlask(Flask):
    """An app whose requests open no session, and look nothing up that stays the same."""

    json_provider_class = QuickJson
    session_interface = _NoSession()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Asked anew for every function at every request, and the answer never changes.
        self.ensure_sync: Callable[..., Any] = lru_cache(512)(super().ensure_sync)

    def preprocess_request(self) -> ResponseReturnValue | None:
        """Call what stands before every route; blueprints are asked only where one has hooks of its own."""
        if len(self.before_request_funcs) > 1 or self.url_value_preprocessors:
            return super().preprocess_request()
        for hook in self.before_request_funcs[None]:
            answer = self.ensure_sync(hook)()
            if answer is not None:
                return cast("ResponseReturnValue", answer)
        return None

    def process_response(self, response: Response) -> Response:
        """Call what stands after every route; blueprints are asked only where one has hooks of its own."""
        if len(self.after_request_funcs) > 1 or request_ctx._after_request_functions:  # noqa: SLF001 - no public way
            return super().process_response(response)
        for hook in reversed(self.after_request_funcs[None]):
            response = self.ensure_sync(hook)(response)
        return response

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Give what finds the route of a request; none depends on its host, which is not looked up."""
        if request is None:
            return super().create_url_adapter(None)
        return MapAdapter(
            self.url_map,
            request.environ.get("HTTP_HOST") or request.host,
            request.root_path.rstrip("/"),
            "",
            request.scheme,
            request.path,
            request.method,
            request.environ.get("QUERY_STRING", ""),
        )
