"""Every exception becomes an answer in one place: the JSON envelope under /api, a page elsewhere."""

import logging

from flask import Flask, Response, jsonify, render_template, request

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
        response = jsonify(problem.envelope())
    else:
        response = Response(render_template("error.html", problem=problem))
    response.status_code = problem.status
    response.headers.update(problem.headers)
    return response


def init_app(app: Flask) -> None:
    """Let every exception of the app meet `answer`."""
    app.register_error_handler(Exception, answer)
