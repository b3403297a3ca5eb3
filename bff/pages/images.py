"""Facilities' logos, and the brand's logo and colors: from this server, so browsers call no other host."""

from flask import Blueprint, Response, current_app, request

from bff.branding.logos import DAY
from bff.errors import NotFound
from bff.images import Image
from bff.pages.links import web_link
from bff.request_context import request_context
from bff.services import services

blueprint = Blueprint("images", __name__)

_DEFAULT_MAX_AGE = 600  # seconds; a missing logo may appear soon


@blueprint.get("/facilities/<facility_id>/logo")
def facility_logo(facility_id: str) -> Response:
    """Return a facility's logo, or the default image if there is none that can be shown."""
    logo = _logo(facility_id)
    if logo is not None:
        return _image_response(logo, f"private, max-age={DAY}")
    default = current_app.send_static_file("facility.svg")
    default.headers["Cache-Control"] = f"private, max-age={_DEFAULT_MAX_AGE}"
    return default


@blueprint.get("/brand/logo")
def brand_logo() -> Response:
    """Return the organization's logo. Raise NotFound if there is none."""
    return _brand_image(services().brand.logo)


@blueprint.get("/brand/logo-dark")
def brand_logo_dark() -> Response:
    """Return the organization's logo for dark backgrounds. Raise NotFound if there is none."""
    return _brand_image(services().brand.logo_dark)


@blueprint.get("/brand.css")
def brand_css() -> Response:
    """Return a style sheet with the organization's colors. Raise NotFound if there are none."""
    css = services().brand.css
    if css is None:
        raise NotFound("image")
    return Response(css, mimetype="text/css", headers={"Cache-Control": f"public, max-age={DAY}"})


def _logo(facility_id: str) -> Image | None:
    # An invented address must not start any call, and counts as a miss, although there is a default image.
    context = request_context()
    context.missed = not services().logo_addresses.is_ours(facility_id, request.args.get("tag", ""))
    if context.missed or services().browser.known_owner() is None:
        return None
    url = web_link(services().facilities.look_up(facility_id).get("logo_url"))
    return services().logos.get(url) if url else None


def _brand_image(logo: Image | None) -> Response:
    if logo is None:
        raise NotFound("image")
    return _image_response(logo, f"public, max-age={DAY}")


def _image_response(image: Image, cache_control: str) -> Response:
    # An SVG opened by itself is a document: sandboxed, it runs no script and has no origin.
    headers = {"Cache-Control": cache_control, "Content-Security-Policy": "sandbox"}
    return Response(image.body, mimetype=image.mimetype, headers=headers)
