"""Sends visitors who are not signed in to the team's login, with the way back (`BFF_LOGIN_URL`)."""

from flask import Flask, redirect, request
from werkzeug.wrappers import Response

from bff.enrollment.return_urls import ReturnUrls, with_query
from bff.errors import InvalidCredential, Unauthenticated, is_api
from bff.middleware.errors import handle, report


def init_app(app: Flask, login_url: str, public_url: str) -> None:
    """Send visitors of the pages to this login. It gets the page's address as `return_url`."""
    origins = ReturnUrls([public_url], public_url)

    def url() -> str:
        page = request.full_path.rstrip("?") if request.method == "GET" else "/"
        # A cookie that the login sets at one loopback name would be missing at another.
        return with_query(login_url, return_url=f"{origins.default(request.host)}{page}")

    @app.errorhandler(Unauthenticated)
    def sign_in(error: Unauthenticated) -> Response:
        # A login whose credential is refused would come back again and again: that gets a page with a link.
        if is_api(request.path) or isinstance(error, InvalidCredential) or request.method != "GET":
            return handle(error)
        report(error)
        return redirect(url(), 303)

    app.context_processor(lambda: {"login_url": url})
