"""`/intake`: a form that creates the patient, or goes on to Medblocks to connect health records."""

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, redirect, render_template, request
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from bff.access.form_tokens import FormTokens
from bff.enrollment.return_urls import with_query
from bff.errors import InvalidInput, invalid_input
from bff.medblocks.errors import AlreadyCreated, Conflict, CreatedDifferently, MedblocksError
from bff.messages import Message
from bff.middleware.errors import ErrorResponse, report
from bff.pages.links import leaving_url, wanted_return_url
from bff.schemas import IntakeForm
from bff.services import services

blueprint = Blueprint("intake", __name__)

_FORM = IntakeForm()
# The form knows a way on where the routes don't.
_ON_THIS_PAGE: dict[type, Message] = {
    Conflict: Message("form_patient_id_taken"),
    AlreadyCreated: Message("form_patient_already_created"),
    CreatedDifferently: Message("form_patient_created_differently"),
}
_FIELDS = ("name", "email", "patient_id")  # as they follow each other on the page


@blueprint.get("/")
@blueprint.get("/intake")
def form() -> str | tuple[str, int]:
    """Show the form, for the query's `return_url` and `state`. Raises InvalidInput for a bad one.

    Who can only be somebody by an invite, is told so instead.
    """
    return_url, guard = wanted_return_url(), services().guard
    patient_id = guard.own_patient_id()
    if patient_id is None and not guard.may_choose_id() and not guard.report_only():
        return render_template("invitation.html", unusable=False), 403
    return form_page(patient_id, return_url)


@blueprint.post("/intake")
def submit() -> str | Response:
    """Create the patient and go to `return_url`, or start a session and go on to `/leaving`."""
    services().forms.check(services().guard.owner(), request.form.get(FormTokens.FIELD))
    return_url = services().enrollment.return_urls.check(request.form.get("return_url"))
    patient = _load_form()
    once = patient.pop("form_id", None)
    action, grant = patient.pop("action"), services().guard.enrollment(patient.pop("patient_id"))
    if action == "connect":
        session = services().enrollment.start_session(grant, {"return_url": return_url}, patient, once=once)
        return redirect(leaving_url(session.body["id"], return_url), 303)
    created = services().enrollment.create_patient(grant, patient)
    return _go_back(with_query(return_url, patient_id=created.body["id"]))


def form_page(patient_id: str | None, return_url: str) -> str:
    """Show an empty form, for a patient who is known already, or for a new one."""
    form_id = uuid.uuid4().hex
    suggested_id = patient_id or _made_up_id(form_id)
    return _page({"return_url": return_url, "suggested_id": suggested_id, "form_id": form_id}, {})


def _load_form() -> dict[str, Any]:
    try:
        patient: dict[str, Any] = _FORM.load(request.form)
    except ValidationError as error:
        raise invalid_input(error.messages_dict) from error
    patient.pop("return_url", None)
    name, email = patient.get("name"), patient.get("email")
    # Who goes back and sends the form again, or another one, is the same patient all the same.
    if name and email and patient["patient_id"] == _made_up_id(patient.get("form_id")):
        patient["patient_id"] = services().guard.derive_patient_id(name.casefold(), email.casefold())
    return patient


def _made_up_id(form_id: str | None) -> str | None:
    """Give the patient id that a form suggests for a new patient; None when this is no such form."""
    try:
        return str(uuid.UUID(hex=form_id or ""))
    except ValueError:
        return None


def _go_back(url: str) -> str | Response:
    """Go on: at once within this site, over a page where the policy `form-action` stops a redirect.

    It does so, too, for who came by another name of this server than the public one.
    """
    if services().enrollment.return_urls.is_own(url) and urlsplit(url).netloc == request.host:
        return redirect(url, 303)
    return render_template("saved.html", url=url)


@blueprint.errorhandler(InvalidInput)
@blueprint.errorhandler(MedblocksError)
def show_again(error: Exception) -> tuple[str, int, Mapping[str, str]]:
    """Show the form again, with what was typed and what to correct."""
    problem = report(error)
    return _form_with_problems(error, problem), problem.status, problem.headers


def _form_with_problems(error: Exception, problem: ErrorResponse) -> str:
    problems = {problem.param: _ON_THIS_PAGE.get(type(error), problem.message)}
    if isinstance(error, InvalidInput):
        problems = {name: error.problems[name] for name in sorted(error.problems, key=_place_on_page)}
    if problems.keys() & {"return_url", "state"}:
        return render_template("error.html", problem=problem)
    return _page(request.form, problems)


def _place_on_page(name: str | None) -> int:
    return _FIELDS.index(name) if name in _FIELDS else len(_FIELDS)


def _page(values: Mapping[str, str | None], problems: Mapping[str | None, Message]) -> str:
    return render_template(
        "intake.html",
        values=values,
        problems=problems,
        asks_for_id=services().guard.may_choose_id(),
        form_token=services().forms.make(services().guard.keep_owner()),
    )
