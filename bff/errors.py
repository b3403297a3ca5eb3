"""Every exception becomes an answer in one place: the JSON envelope under /api, a page elsewhere."""

import logging
from dataclasses import replace

from flask import Flask, Response, g, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from bff import observe
from bff.exceptions import CredentialRefused, InvalidInput
from bff.lean_flask import this_request
from bff.medblocks import errors as upstream
from bff.problems import Problem, is_api, problem_for

log = logging.getLogger("bff.errors")


def report(error: Exception) -> Problem:
    """Give what the caller is told, and log what the operator has to know: our faults and Medblocks'.

    Browsers' own mistakes are not logged, nor are exception texts, since they may carry what a person typed.
    """
    problem = problem_for(error)
    here = {"data": {"request_id": this_request().request_id}}
    if isinstance(error, upstream.MedblocksError) and problem.status >= 500:
        log.error("upstream: %s (upstream request %s)", error, error.refusal.request_id, extra=here)
    elif isinstance(error, CredentialRefused):
        log.warning("a credential was refused: %s", error, extra=here)
    elif isinstance(error, InvalidInput) and "return_url" in error.problems:
        why = error.problems["return_url"]
        log.warning("a return_url was refused. %s BFF_RETURN_URLS lists what is allowed.", why, extra=here)
    elif problem.status >= 500:
        log.error("%s: %s", problem.code, observe.whereabouts(error), extra=here)
    return problem


def answer(error: Exception) -> Response:
    """Answer a request that failed: JSON under /api, a page elsewhere."""
    problem = report(error)
    if is_api(request.path):
        # In the spelling that the caller used, since it looks for its own names.
        sent = g.get("names_sent", {}).get(problem.param, problem.param)
        response = jsonify(replace(problem, param=sent).envelope())
    else:
        response = Response(render_template("error.html", problem=problem))
    response.status_code = problem.status
    response.headers.update(problem.headers)
    return response


def init_app(app: Flask) -> None:
    """Answer every exception of the app. Call it last: flask-smorest handles HTTP errors its own way."""
    for kind in (Exception, HTTPException):
        app.register_error_handler(kind, answer)
