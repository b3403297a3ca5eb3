"""The sandbox's fault switches: a WSGI middleware that lets faults happen, and the route that sets them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Condition, Event
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from bff.sandbox.fault_kinds import KINDS
from bff.sandbox.fault_plan import Plan
from bff.sandbox.fault_profiles import PROFILES
from bff.sandbox.fault_specs import REFUSE, FaultError, parse
from bff.sandbox.fault_wire import Exchange

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTROL_PATH = "/_faults"
_API = "api."


class Faults:
    """The sandbox app, with faults as they are asked for; there are none at first.

    Takes the app, and a seed that makes the choice of faults reproducible. What people can ask for stands in
    `Spec`, `KINDS` and `PROFILES`.
    """

    def __init__(self, app: Flask, *, seed: int | None = None) -> None:
        self.halted = Event()
        self._app: WSGIApplication = app.wsgi_app
        self._urls = app.url_map
        self._plan = Plan(seed)
        self._refuse: Callable[[float], None] | None = None
        self._under_way = 0
        self._settled = Condition()
        names = (rule.endpoint for rule in app.url_map.iter_rules())
        self.operations = sorted({name.rpartition(".")[2] for name in names})

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request as the app does, unless a fault meets it."""
        if environ["PATH_INFO"] == CONTROL_PATH:
            return self._control(Request(environ))(environ, start_response)
        if self._plan.idle:
            return self._app(environ, start_response)
        return self._meet(environ)(environ, start_response)

    @property
    def fired(self) -> dict[str, int]:
        """How often each fault happened since the specs were last replaced."""
        counts: dict[str, int] = self._plan.to_json()["fired"]
        return counts

    def replace(self, specs: Sequence[Mapping[str, Any]], *, seed: int | None = None) -> None:
        """Let these faults, given as their JSON, take the place of all others; an ongoing refusal ends.

        Raises FaultError, and changes nothing, when one can't be used.
        """
        parsed = [parse(spec, self.operations) for spec in specs]
        refusal = max((spec.ms or 0 for spec in parsed if spec.fault == REFUSE), default=0)
        if refusal and self._refuse is None:
            raise FaultError(f"{REFUSE} acts on a port: serve the sandbox by SandboxServer.")
        self._plan.replace(parsed, seed)
        if self._refuse is not None:
            self._refuse(refusal / 1000)

    def use(self, profile: str, *, seed: int | None = None) -> None:
        """Let the faults of a profile take the place of all others.

        Raises FaultError when there is none, or when it is one that only the client's address brings about.
        """
        if profile not in PROFILES:
            raise FaultError(f"profile must be one of: {', '.join(PROFILES)}.")
        if PROFILES[profile].over_https:
            raise FaultError(f"{profile} can't be switched here: call this port with https:// instead.")
        self.replace(PROFILES[profile].faults, seed=seed)

    def wait_until_settled(self, timeout: float) -> bool:
        """Wait until no fault is under way, late commits included; False when the seconds ran out first."""
        with self._settled:
            return self._settled.wait_for(lambda: not self._under_way, timeout)

    def refuse_by(self, refuse: Callable[[float], None]) -> None:
        """Take what refuses connections for some seconds from now, and ends that when the seconds are 0."""
        self._refuse = refuse

    def _meet(self, environ: "WSGIEnvironment") -> "WSGIApplication":
        endpoint = self._endpoint(environ)
        operation = endpoint.rpartition(".")[2]
        spec = self._plan.pick(operation, hosted=not endpoint.startswith(_API))
        if spec is None:
            return self._app
        kind = KINDS[spec.fault]
        exchange = Exchange(
            self._app, environ, kind.ms if spec.ms is None else spec.ms, spec.status, self.halted
        )
        with self._counted():
            return kind.meet(exchange)

    def _endpoint(self, environ: "WSGIEnvironment") -> str:
        try:
            return str(self._urls.bind_to_environ(environ).match()[0])
        except HTTPException:
            return ""

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._settled:
            self._under_way += 1
        try:
            yield
        finally:
            with self._settled:
                self._under_way -= 1
                self._settled.notify_all()

    def _control(self, request: Request) -> Response:
        try:
            if request.method == "PUT":
                self._change(_asked(request))
            elif request.method == "DELETE":
                self.replace(())
            elif request.method != "GET":
                return Response(status=405, headers={"Allow": "GET, PUT, DELETE"})
        except FaultError as error:
            return _json({"error": {"message": str(error)}}, 400)
        return _json(self._state())

    def _change(self, asked: Mapping[str, Any]) -> None:
        seed = asked.get("seed")
        if seed is not None and type(seed) is not int:
            raise FaultError("seed must be a whole number.")
        match {name: value for name, value in asked.items() if name != "seed"}:
            case {"profile": str(profile), **others} if not others:
                self.use(profile, seed=seed)
            case {"faults": list(specs), **others} if not others:
                self.replace(specs, seed=seed)
            case _:
                raise FaultError('Send {"profile": "flaky"} or {"faults": [{"fault": "silence"}]}.')

    def _state(self) -> dict[str, Any]:
        profiles = {
            name: {"description": profile.description, "faults": profile.faults}
            for name, profile in PROFILES.items()
        }
        faults = {name: kind.summary for name, kind in KINDS.items()}
        faults[REFUSE] = "Refuse connections for `ms` from now on, and end those that are."
        return {
            **self._plan.to_json(),
            "profiles": profiles,
            "faults": faults,
            "operations": self.operations,
        }


def _asked(request: Request) -> dict[str, Any]:
    try:
        asked = json.loads(request.get_data())
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise FaultError("The body must be a JSON object.")
    return asked


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body, indent=2) + "\n", status, content_type="application/json")
