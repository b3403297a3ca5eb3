"""A Flask app of your own and the BFF, at the root of one origin, with your login."""

import os

from flask import Flask, redirect, request, session

from bff import create_app

PUBLIC_URL = os.environ["BFF_PUBLIC_URL"]

# Your app. The paths below /static belong to the BFF, so yours are below another one.
site = Flask(__name__, static_url_path="/assets")
site.secret_key = os.environ["SITE_SECRET"]
site.config.update(SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_SECURE=PUBLIC_URL.startswith("https:"))


@site.get("/")
def home():
    """Link to the pages of the BFF."""
    if "patient_id" not in session:
        return '<a href="/login">Sign in</a>'
    return '<a href="/intake">Connect your health records</a> <a href="/account">Your connections</a>'


@site.route("/login", methods=["GET", "POST"])
def login():
    """Sign a patient in. Replace the form, and check who it is."""
    if request.method == "GET":
        return '<form method="post"><button>Sign in as Asha Example</button></form>'
    session["patient_id"] = "user_42"
    back = request.args.get("return_url", "")
    # Only to this origin: a link to your login must not lead to another site.
    return redirect(back if back.startswith((f"{PUBLIC_URL}/", request.host_url)) else "/", 303)


def signed_in_patient(request):
    """Return the patient in your session, which the BFF does not read by itself."""
    found = site.session_interface.open_session(site, request)
    return found.get("patient_id") if found is not None else None


def session_completed(event):
    """Handle a webhook. It runs in the request, so hand long work to your task queue."""
    site.logger.warning("A patient has finished a session: event %s", event["id"])


bff_app = create_app(
    identify=signed_in_patient,
    on_event={"patient_session.completed": session_completed},
)
# "/api/patients/", "/intake/", "/static/" and so on. The start page is yours.
bff_paths = tuple(
    f"{rule.rule.partition('/<')[0]}/" for rule in bff_app.url_map.iter_rules() if rule.rule != "/"
)


def application(environ, start_response):
    """Call the BFF for the paths that it has routes for, and your app for all others."""
    is_bff = f"{environ['PATH_INFO']}/".startswith(bff_paths)
    return (bff_app if is_bff else site)(environ, start_response)
