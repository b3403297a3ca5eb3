"""The pictures of the pages and the brand's colours: all from this server, so no other host is asked."""

from flask import Blueprint, Response, current_app, request

from bff.branding.logos import DAY
from bff.errors import NotFound
from bff.images import Image
from bff.pages.links import web_link
from bff.request_context import request_context
from bff.services import services

blueprint = Blueprint("images", __name__)

_SOON = 600  # seconds


@blueprint.get("/facilities/<facility_id>/logo")
def facility_logo(facility_id: str) -> Response:
    """Give a facility's logo, or a neutral picture where it has none that can be shown."""
    logo = _logo(facility_id)
    if logo is not None:
        return _picture(logo, f"private, max-age={DAY}")
    neutral = current_app.send_static_file("facility.svg")
    neutral.headers["Cache-Control"] = f"private, max-age={_SOON}"
    return neutral


@blueprint.get("/brand/logo")
def brand_logo() -> Response:
    """Give the organisation's logo. Raises NotFound when there is none."""
    logo = services().brand.logo
    if logo is None:
        raise NotFound("image")
    return _picture(logo, f"public, max-age={DAY}")


@blueprint.get("/brand.css")
def brand_css() -> Response:
    """Give the organisation's colours. Raises NotFound when there are none."""
    css = services().brand.css
    if css is None:
        raise NotFound("image")
    return Response(css, mimetype="text/css", headers={"Cache-Control": f"public, max-age={DAY}"})


def _logo(facility_id: str) -> Image | None:
    # Pictures don't count against the limits, so whoever makes up an address must not send us anywhere.
    shown = services().logo_addresses.is_ours(facility_id, request.args.get("tag", ""))
    if not shown or services().guard.known_owner(request_context()) is None:
        return None
    url = web_link(services().facilities.look_up(facility_id).get("logo_url"))
    return services().logos.get(url) if url else None


def _picture(picture: Image, cache: str) -> Response:
    # An SVG that is opened by itself is a document: sandboxed, it can run nothing and is of no origin.
    headers = {"Cache-Control": cache, "Content-Security-Policy": "sandbox"}
    return Response(picture.body, mimetype=picture.mimetype, headers=headers)
