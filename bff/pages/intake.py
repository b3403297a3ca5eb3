"""`/intake`: a form that creates the patient, or goes on to Medblocks to connect health records."""

import uuid
from typing import Any

from flask import Blueprint, redirect, render_template, request
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from bff import current
from bff.access.return_urls import with_query
from bff.errors import InvalidInput, invalid_input, problem_for, report
from bff.medblocks.errors import MedblocksError
from bff.schemas import IntakeForm

blueprint = Blueprint("intake", __name__)

_FORM = IntakeForm()


@blueprint.get("/")
@blueprint.get("/intake")
def form() -> str:
    """Show the form, for the `return_url` of the query. Raises InvalidInput when it is not allowed."""
    return_url = current.enrollment().return_urls.check(request.args.get("return_url"))
    return _page({"return_url": return_url, "suggested_id": str(uuid.uuid4())}, {})


@blueprint.post("/intake")
def submit() -> Response:
    """Create the patient and go to `return_url`, or start a session and go to Medblocks."""
    return_url = current.enrollment().return_urls.check(request.form.get("return_url"))
    patient = _load_form()
    if patient.pop("action") == "connect":
        return redirect(current.enrollment().enroll(patient, return_url).body["url"], 303)
    created = current.enrollment().create_patient(patient)
    return redirect(with_query(return_url, patient_id=created.body["id"]), 303)


def _load_form() -> dict[str, Any]:
    try:
        patient: dict[str, Any] = _FORM.load(request.form)
    except ValidationError as error:
        raise invalid_input(error.messages_dict) from error
    patient.pop("return_url", None)
    return patient


@blueprint.errorhandler(InvalidInput)
@blueprint.errorhandler(MedblocksError)
def mend(error: Exception) -> tuple[str, int]:
    """Show the form again with what was typed and what is to be mended."""
    problem = problem_for(error)
    report(error, problem)
    problems = dict(error.problems) if isinstance(error, InvalidInput) else {problem.param: problem.message}
    if "return_url" in problems:
        return render_template("error.html", problem=problem), problem.status
    return _page(request.form, problems), problem.status


def _page(values: Any, problems: dict[str | None, str]) -> str:
    return render_template("intake.html", values=values, problems=problems)
