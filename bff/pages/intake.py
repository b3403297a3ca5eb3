"""`/intake`: a form that creates the patient, or also starts a session to connect health records."""

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, render_template, request
from marshmallow import ValidationError
from werkzeug.exceptions import RequestEntityTooLarge, TooManyRequests
from werkzeug.wrappers import Response as BaseResponse

from bff.enrollment.return_urls import with_query
from bff.errors import (
    AlreadyCreated,
    CreatedDifferently,
    FormOutdated,
    IdentityUnavailable,
    InvalidInput,
    Unauthenticated,
    UnusableLogin,
    invalid_input,
)
from bff.medblocks.errors import Conflict, MedblocksError
from bff.medblocks.grants import Grant
from bff.messages import Message, wait
from bff.middleware.errors import ErrorResponse, handle, report
from bff.pages.forms import checked_form, submitted_form
from bff.pages.links import leaving_url, requested_return_url, submit_url
from bff.schemas import IntakeForm, same_person, suggested_id
from bff.services import services

blueprint = Blueprint("intake", __name__)

_FORM = IntakeForm()
# On the form, these errors have messages with a next step that the JSON routes can't offer.
_FORM_MESSAGES: dict[type, Message] = {
    Conflict: Message("form_patient_id_taken"),
    CreatedDifferently: Message("form_patient_created_differently"),
    RequestEntityTooLarge: Message("form_too_large"),
}
_FIELDS = ("name", "email", "patient_id")  # in the order of the page


@blueprint.get("/")
@blueprint.get("/intake")
def form() -> str | tuple[str, int]:
    """Show the form, for the query's `return_url` and `state`. Raise InvalidInput if one can't be used.

    A browser that has accepted an invite gets the form of that patient. Without one, it gets an explanation
    instead if patients are identified by invites.
    """
    return_url, guard, patient_id = requested_return_url(), services().guard, _known_patient_id()
    if patient_id is None and not guard.may_choose_id() and not guard.report_only:
        return render_template("invitation.html", unusable=False), 403
    return form_page(patient_id, return_url)


@blueprint.post("/intake")
def submit() -> str | BaseResponse:
    """Create the patient and go to `return_url`, or start a session and go to `/leaving`."""
    browser = services().browser
    form = checked_form()
    browser.mark_with_form(form.get("form_id", ""))
    return_url = services().enrollment.return_urls.check(form.get("return_url"), request.host)
    patient = _load_form(form)
    once, action, entered_id = (patient.pop(name, None) for name in ("form_id", "action", "patient_id"))
    known_id = _id_of_person(patient) if entered_id == suggested_id(once) else None
    try:
        return _enroll(action, known_id or entered_id, patient, return_url, once)
    except CreatedDifferently:
        raise
    except Conflict:
        if known_id is None:
            raise
        # Another form with a cookie of this name created this person: one whose response was lost, or one
        # with a copy of the cookie. Which of them is unknown, so this form creates a patient of its own.
        return _enroll(action, entered_id, patient, return_url, once)


def form_page(patient_id: str | None, return_url: str) -> str:
    """Return an empty form for a known patient, or for a new one if `patient_id` is None."""
    return _render_form(_new_form(patient_id, return_url), {})


def _new_form(patient_id: str | None, return_url: str) -> dict[str, str]:
    form_id = uuid.uuid4().hex
    patient_id = patient_id or suggested_id(form_id) or ""
    return {"form_id": form_id, "suggested_id": patient_id, "return_url": return_url}


def _known_patient_id() -> str | None:
    """Return the id of the patient whom a login or an accepted invite names, or None."""
    return services().guard.own_patient_id() or services().guard.invited_patient_id()


def _load_form(form: Mapping[str, str]) -> dict[str, Any]:
    try:
        return _FORM.load(form)  # type: ignore[no-any-return]  # marshmallow's loads are Any
    except ValidationError as error:
        raise invalid_input(error.messages_dict) from error


def _id_of_person(patient: Mapping[str, Any]) -> str | None:
    """Return the id that the same name and email address have in every form of this browser."""
    name, email = patient.get("name"), patient.get("email")
    if not name or not email:
        return None
    return services().browser.derive_patient_id(same_person(name), same_person(email))


def _enroll(
    action: str, patient_id: str, details: Mapping[str, Any], return_url: str, once: str | None
) -> str | BaseResponse:
    enrollment, grant = services().enrollment, services().guard.enrollment(patient_id)
    try:
        if action == "connect":
            session = enrollment.start_session(grant, {"return_url": return_url}, details, once=once)
            return redirect(leaving_url(session.body), 303)
        created = enrollment.create_patient(grant, details)
    except AlreadyCreated as error:
        return _known_page(error, grant)
    return _redirect(with_query(return_url, patient_id=created.body["id"]))


def _known_page(error: AlreadyCreated, grant: Grant) -> BaseResponse:
    """Return the page for a patient whom this browser owns, and whose details stay as they are."""
    response, current = report(error), services().guard.current_patient()
    # `/account` shows the patient used last, which may be another one.
    is_current = current is not None and current.patient_id == grant.patient_id
    message = Message("form_patient_already_created")
    page = _render_form(request.form, {}, known=message, links_to_account=is_current)
    return Response(page, response.status, response.headers)


def _redirect(url: str) -> str | BaseResponse:
    """Redirect within this host, and show a page that goes on by itself to any other.

    The policy `form-action` blocks a redirect to another host after a form, also to another name of this one.
    """
    if services().enrollment.return_urls.is_own(url) and urlsplit(url).netloc == request.host:
        return redirect(url, 303)
    return render_template("saved.html", url=url)


@blueprint.errorhandler(FormOutdated)
@blueprint.errorhandler(InvalidInput)
@blueprint.errorhandler(MedblocksError)
@blueprint.errorhandler(RequestEntityTooLarge)
@blueprint.errorhandler(TooManyRequests)
def show_problems(error: Exception) -> Response:
    """Show the form with the values that were entered and the messages."""
    response = report(error)
    unchecked = isinstance(error, FormOutdated | RequestEntityTooLarge | TooManyRequests)
    values = submitted_form(checked=not unchecked)
    problems = _problems(error, response, values)
    try:
        # The visitor can't correct these two, and has entered nothing yet before a POST.
        if request.method != "POST" or problems.keys() & {"return_url", "state"}:
            page = render_template("error.html", problem=response)
        else:
            # A new form replaces one that was not read; its URL has the `return_url`.
            values = values or _new_form(_known_patient_id(), request.args.get("return_url", ""))
            page = _render_form(values, problems)
    except (Unauthenticated, UnusableLogin, IdentityUnavailable) as refusal:
        return handle(refusal)
    return Response(page, response.status, response.headers)


def _problems(
    error: Exception, response: ErrorResponse, values: Mapping[str, str]
) -> dict[str | None, Message]:
    if isinstance(error, InvalidInput):
        names = (*_FIELDS, *error.problems)
        return {name: error.problems[name] for name in names if name in error.problems}
    if isinstance(error, TooManyRequests):
        return {None: Message("form_too_many_requests", {"wait": wait(response.headers["Retry-After"])})}
    # A patient id that was not entered has no field to correct.
    param = response.param if values.get(response.param or "") else None
    return {param: _FORM_MESSAGES.get(type(error), response.message)}


def _render_form(
    values: Mapping[str, str],
    problems: Mapping[str | None, Message],
    known: Message | None = None,
    *,
    links_to_account: bool = False,
) -> str:
    is_new = values.get("suggested_id") == suggested_id(values.get("form_id"))
    return render_template(
        "intake.html",
        known=known,
        links_to_account=links_to_account,
        values=values,
        problems=problems,
        submit_url=submit_url(values.get("return_url", "")),
        asks_for_id=services().guard.may_choose_id() and (is_new or "patient_id" in values),
    )
