"""`/healthz`: whether this process answers, for load balancers; it asks nothing of Medblocks."""

from flask import Blueprint

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> dict[str, bool]:
    """Answer that the process is up."""
    return {"ok": True}
