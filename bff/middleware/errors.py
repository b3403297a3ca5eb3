"""Every exception becomes an answer in one place: the JSON envelope under /api, a page elsewhere."""

import logging
from dataclasses import replace

from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from bff.errors import InvalidCredential, InvalidInput, NotAtRoot, Overloaded
from bff.http import is_api
from bff.logs import Fields, error_location
from bff.medblocks import errors as upstream
from bff.middleware.problems import Problem, problem_for
from bff.request_context import request_context

log = logging.getLogger("bff.errors")


def report(error: Exception) -> Problem:
    """Give what the caller is told, and log what the operator has to know: our faults and Medblocks'.

    Browsers' own mistakes are not logged, nor are exception texts, since they may carry what a person typed.
    """
    problem = problem_for(error)
    level, message = _worth_logging(error, problem)
    if message:
        log.log(level, Fields(message=message, request_id=request_context().request_id))
    return problem


def _worth_logging(error: Exception, problem: Problem) -> tuple[int, str]:
    if isinstance(error, Overloaded | NotAtRoot):
        return logging.NOTSET, ""  # these come by the thousand, and are logged where they are raised
    if isinstance(error, upstream.MedblocksError) and problem.status >= 500:
        return logging.ERROR, f"upstream: {error} (upstream request {error.details.request_id})"
    if isinstance(error, InvalidCredential):
        return logging.WARNING, f"a credential was refused: {error}"
    if isinstance(error, InvalidInput) and "return_url" in error.problems:
        why = error.problems["return_url"]
        return logging.WARNING, f"a return_url was refused. {why} BFF_RETURN_URLS lists what is allowed."
    if problem.status >= 500:
        return logging.ERROR, f"{problem.code}: {error_location(error)}"
    return logging.NOTSET, ""


def answer(error: Exception) -> Response:
    """Answer a request that failed: JSON under /api, a page elsewhere."""
    problem = report(error)
    if is_api(request.path):
        # In the spelling that the caller used, since it looks for its own names.
        sent = request_context().names_sent.get(problem.param or "", problem.param)
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
