"""A Flask app with an htmx page, and medblocks-bff at the root of the same origin."""

from flask import Flask, render_template
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from bff import create_app

yours = Flask(__name__)


@yours.get("/")
def index() -> str:
    """Return the page."""
    return render_template("index.html")


application = DispatcherMiddleware(create_app(), {"/app": yours})
