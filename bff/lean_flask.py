"""Flask without what this product does not use and every request would pay for.

A request passes about four hundred functions on its way through Flask, at half a microsecond each. What is
left out here are sessions, signals that nobody listens to, hooks that nobody has set, and proxies: every
name of `flask.request` is four calls. It works again for an app that uses it. But a `request_class` has to
derive from the guard's `Visit`, and `dispatch_request` is called for OPTIONS and unknown routes alone.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from flask import Flask, Request, Response
from flask.globals import current_app, request, request_ctx
from flask.sessions import SessionInterface, SessionMixin
from flask.signals import appcontext_tearing_down, request_finished, request_started, request_tearing_down
from flask.typing import ResponseReturnValue
from werkzeug.routing import MapAdapter

from bff.quick_json import QuickJson
from bff.quick_routes import QuickAdapter, QuickRoutes

# Flask documents `_get_current_object` for getting what stands behind a proxy; its types don't know it.
_app: Any = current_app
_request: Any = request
_context: Any = request_ctx


class LeanRequest(Request):
    """A request with its id, and the `time.perf_counter()` at which its answer began."""

    request_id = ""
    started = 0.0

    def close(self) -> None:
        """Close uploaded files, where there are any."""
        if "files" in self.__dict__:
            super().close()


# Gives the app that answers. Raises RuntimeError where none does.
this_app: Callable[[], Flask] = _app._get_current_object  # noqa: SLF001 - public, see above

# Gives the request that is being answered. Raises RuntimeError where none is.
this_request: Callable[[], Any] = _request._get_current_object  # noqa: SLF001 - public, see above


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
    request_class = LeanRequest
    session_interface = _NoSession()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._before: list[Callable[[Any], None]] = []
        self._after: list[Callable[[Any, Response], None]] = []
        self._quick: QuickRoutes | None = None
        super().__init__(*args, **kwargs)
        # Asked anew for every function at every request, and the answer never changes.
        self.ensure_sync: Callable[..., Any] = lru_cache(512)(super().ensure_sync)

    def before(self, hook: Callable[[Any], None]) -> None:
        """Call a hook with each request, before any route; what it raises is the answer."""
        self._before.append(hook)

    def after(self, hook: Callable[[Any, Response], None]) -> None:
        """Call a hook with each request and its answer; as in Flask, the one added last comes first."""
        self._after.insert(0, hook)

    def full_dispatch_request(self) -> Response:
        """Answer the request of this context; what its view raises is an answer, too."""
        self._got_first_request = True
        asked = this_request()
        try:
            if request_started.receivers:
                request_started.send(self, _async_wrapper=self.ensure_sync)
            for hook in self._before:
                hook(asked)
            answer = None
            if self.before_request_funcs or self.url_value_preprocessors:
                answer = self.preprocess_request()
            if answer is None:
                answer = self._view(asked)
        except Exception as error:  # noqa: BLE001 - as in Flask: its handlers know which they take
            answer = self.handle_user_exception(error)
        if isinstance(answer, Response) and not request_finished.receivers:
            return self.process_response(answer)
        return self.finalize_request(answer)

    def _view(self, asked: LeanRequest) -> ResponseReturnValue:
        if asked.url_rule is None or asked.method == "OPTIONS":
            return self.dispatch_request()
        view: Callable[..., Any] = self.view_functions[asked.url_rule.endpoint]
        answer: ResponseReturnValue = self.ensure_sync(view)(**asked.view_args or {})
        return answer

    def process_response(self, response: Response) -> Response:
        """Call what stands after every route; Flask's own hooks are asked only where there are any."""
        context = _context._get_current_object()  # noqa: SLF001 - public, see above
        sessions = not self.session_interface.is_null_session(context.session)
        if sessions or self.after_request_funcs or context._after_request_functions:  # noqa: SLF001 - no public way
            response = super().process_response(response)
        for hook in self._after:
            hook(context.request, response)
        return response

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        """Tell whoever wants to know that a request ends."""
        if self.teardown_request_funcs or request_tearing_down.receivers:
            super().do_teardown_request(exc)

    def do_teardown_appcontext(self, exc: BaseException | None = None) -> None:
        """Tell whoever wants to know that an app's context ends."""
        if self.teardown_appcontext_funcs or appcontext_tearing_down.receivers:
            super().do_teardown_appcontext(exc)

    def add_url_rule(self, *args: Any, **kwargs: Any) -> None:
        """Add a rule; those before it are looked at anew."""
        super().add_url_rule(*args, **kwargs)
        self._quick = None

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Give what finds the route of a request; none depends on its host, which is not looked up."""
        if request is None:
            return super().create_url_adapter(None)
        environ = request.environ
        adapter = QuickAdapter(
            self.url_map,
            environ.get("HTTP_HOST") or request.host,
            request.root_path,
            "",
            request.scheme,
            request.path,
            request.method,
            environ.get("QUERY_STRING", ""),
        )
        self._quick = adapter.quick = self._quick or QuickRoutes(self.url_map)
        return adapter
