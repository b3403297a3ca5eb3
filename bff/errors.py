"""Every exception becomes an answer in one place: the JSON envelope under /api, a page elsewhere."""

import logging

from flask import Flask, Response, jsonify, render_template, request

from bff import observe
from bff.exceptions import CredentialRefused
from bff.medblocks import errors as upstream
from bff.problems import Problem, problem_for

log = logging.getLogger("bff.errors")


def report(error: Exception, problem: Problem) -> None:
    """Log what the operator has to know: our faults and Medblocks', never a browser's own mistakes.

    Exception texts stay out of it, since they may carry what a person typed.
    """
    if isinstance(error, upstream.MedblocksError) and problem.status >= 500:
        log.error("upstream: %s (upstream request %s)", error, error.refusal.request_id)
    elif isinstance(error, CredentialRefused):
        log.warning("a credential was refused: %s", error)
    elif problem.status == 500:
        log.error("crash: %s", observe.whereabouts(error))


def answer(error: Exception) -> Response:
    """Answer a request that failed: JSON under /api, a page elsewhere."""
    problem = problem_for(error)
    report(error, problem)
    if request.path == "/api" or request.path.startswith("/api/"):
        response = jsonify(problem.envelope())
    else:
        response = Response(render_template("error.html", problem=problem))
    response.status_code = problem.status
    response.headers.update(problem.headers)
    return response


def init_app(app: Flask) -> None:
    """Let every exception of the app meet `answer`."""
    app.register_error_handler(Exception, answer)
