"""`/healthz`: the health check for load balancers; it sends nothing to Medblocks."""

from flask import Blueprint

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> dict[str, bool]:
    """Respond that the process is up."""
    return {"ok": True}
