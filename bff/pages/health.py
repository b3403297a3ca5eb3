"""`/healthz` and `/readyz`: the health checks for load balancers. Neither waits for Medblocks or Redis."""

from flask import Blueprint, request

from bff.services import services
from bff.telemetry import DRAINING

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> dict[str, bool]:
    """Respond that the process is up."""
    return {"ok": True}


@blueprint.get("/readyz")
def readyz() -> tuple[dict[str, object], int]:
    """Respond whether this process takes requests, with the state of what it depends on.

    That state does not decide: with Medblocks or Redis down, all replicas would be taken out at once.
    """
    ready = DRAINING not in request.environ
    services().dependencies.refresh()
    states = {"circuit_breaker": services().breaker.state, **services().dependencies.states}
    return {"ready": ready, **states}, 200 if ready else 503
