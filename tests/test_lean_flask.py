"""What is left out for speed is there again for an app that uses it."""

from io import BytesIO

import pytest
from flask import (
    Blueprint,
    abort,
    after_this_request,
    appcontext_tearing_down,
    g,
    request,
    request_finished,
    request_started,
    request_tearing_down,
    session,
    url_for,
)
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import NotFound

from bff.lean_flask import LeanFlask, this_request


def make(view=lambda: "hello"):
    app = LeanFlask("test", static_folder=None)
    app.add_url_rule("/", "view", view, methods=["GET", "POST"])
    return app


def test_a_view_is_answered():
    assert make().test_client().get("/").text == "hello"


def test_a_hook_before_is_given_the_request():
    app, seen = make(), []
    app.before(lambda asked: seen.append((asked.path, asked is this_request())))

    app.test_client().get("/")

    assert seen == [("/", True)]


def test_what_a_hook_before_raises_is_the_answer_and_no_view_is_called():
    called = []
    app = make(lambda: called.append(1) or "hello")
    app.before(lambda _: abort(403))

    assert app.test_client().get("/").status_code == 403
    assert called == []


def test_hooks_after_are_called_with_the_last_one_first():
    app, seen = make(), []
    app.after(lambda asked, response: seen.append(("first", asked.path, response.status_code)))
    app.after(lambda asked, response: seen.append(("last", asked.path, response.status_code)))

    app.test_client().get("/nothing")

    assert seen == [("last", "/nothing", 404), ("first", "/nothing", 404)]


def test_the_hooks_of_flask_are_called():
    app, seen = make(lambda: seen.append("view") or "hello"), []
    app.before_request(lambda: seen.append("before"))
    app.after_request(lambda response: seen.append("after") or response)
    app.teardown_request(lambda error: seen.append(("torn down", error)))
    app.teardown_appcontext(lambda error: seen.append(("app torn down", error)))

    app.test_client().get("/")

    assert seen == ["before", "view", "after", ("torn down", None), ("app torn down", None)]


def test_what_a_hook_of_flask_answers_is_the_answer():
    app = make()
    app.before_request(lambda: ("no", 418))

    assert app.test_client().get("/").status_code == 418


def test_the_hooks_of_a_blueprint_are_called():
    app, seen, pages = make(), [], Blueprint("pages", "test")
    pages.before_request(lambda: seen.append("before"))
    pages.after_request(lambda response: seen.append("after") or response)
    pages.add_url_rule("/page", "page", lambda: "page")
    app.register_blueprint(pages)

    app.test_client().get("/page")
    assert seen == ["before", "after"]

    app.test_client().get("/")
    assert seen == ["before", "after"]


def test_a_hook_for_this_request_alone_is_called():
    def view():
        after_this_request(lambda response: response.headers.add("X-This", "1") or response)
        return "hello"

    assert make(view).test_client().get("/").headers["X-This"] == "1"


@pytest.mark.parametrize(
    "signal", [request_started, request_finished, request_tearing_down, appcontext_tearing_down]
)
def test_who_listens_to_a_signal_hears_it(signal):
    app, heard = make(), []

    with signal.connected_to(lambda sender, **_: heard.append(sender), app):
        app.test_client().get("/")

    assert heard == [app]


def test_a_view_that_fails_meets_its_handler():
    def view():
        raise RuntimeError

    app = make(view)
    app.register_error_handler(RuntimeError, lambda _: ("sorry", 500))

    assert app.test_client().get("/").text == "sorry"


def test_a_rule_that_is_added_later_is_found():
    app = make()
    with app.test_request_context("/page"), pytest.raises(NotFound):
        app.dispatch_request()

    app.add_url_rule("/page", "page", lambda: "page")

    assert app.test_client().get("/page").text == "page"


def test_options_are_answered_by_flask():
    allowed = make().test_client().options("/").headers["Allow"]

    assert set(allowed.split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_uploaded_files_are_closed():
    files = []

    def view():
        files.append(request.files["file"])
        return "hello"

    make(view).test_client().post("/", data={"file": (BytesIO(b"x"), "x.txt")})

    assert files[0].stream.closed


def test_what_a_request_keeps_is_gone_with_it():
    app = make(lambda: str(g.setdefault("count", 0)) + str(getattr(this_request(), "kept", None)))
    app.before(lambda asked: setattr(asked, "kept", asked.args.get("keep")))
    client = app.test_client()

    assert [client.get(path).text for path in ("/?keep=1", "/")] == ["01", "0None"]


def test_an_app_with_sessions_keeps_them():
    def view():
        session["a"] = 1
        return "hello"

    app = make(view)
    app.secret_key, app.session_interface = "x" * 32, SecureCookieSessionInterface()

    assert "session=" in app.test_client().get("/").headers["Set-Cookie"]


def test_an_app_with_a_server_name_builds_addresses_outside_of_requests():
    app = make()
    app.config["SERVER_NAME"] = "bff.example"

    with app.app_context():
        assert url_for("view") == "http://bff.example/"


def test_outside_of_a_request_there_is_none():
    with pytest.raises(RuntimeError):
        this_request()
