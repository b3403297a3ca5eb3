"""A WSGI middleware that applies faults to the sandbox's requests, and the route that sets them."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from threading import Condition, Event
from typing import TYPE_CHECKING, Any

import msgspec
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from bff.sandbox.faults.exchange import Dropped, Exchange
from bff.sandbox.faults.kinds import KINDS
from bff.sandbox.faults.plan import REFUSE, FaultError, Plan, Spec
from bff.sandbox.faults.profiles import PROFILES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTROL_PATH = "/_faults"
_API = "api."


class _Change(msgspec.Struct, forbid_unknown_fields=True):
    """What the control route takes."""

    profile: str | None = None
    faults: list[Spec] | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if (self.profile is None) == (self.faults is None):
            raise ValueError('Send {"profile": "flaky"} or {"faults": [{"fault": "silence"}]}')


class Faults:
    """The sandbox app, with the faults that are active; there are none at first.

    Takes the app, and a seed that makes the choice of faults reproducible. `Spec`, `KINDS` and `PROFILES`
    say which faults there are.
    """

    def __init__(self, app: Flask, *, seed: int | None = None) -> None:
        self.halted = Event()
        self._app: WSGIApplication = app.wsgi_app
        self._urls = app.url_map
        self._store = app.extensions.get("sandbox")
        self._plan = Plan(seed)
        # Refuses connections for some seconds, where 0 ends an ongoing refusal. SandboxServer sets it.
        self.refuse: Callable[[float], None] | None = None
        self._under_way = 0
        self._settled = Condition()
        self.operations = sorted({rule.endpoint.rpartition(".")[2] for rule in app.url_map.iter_rules()})

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request as the app does, unless a fault meets it."""
        if environ["PATH_INFO"] == CONTROL_PATH:
            return self._control(Request(environ))(environ, start_response)
        return self._meet(environ)(environ, start_response)

    @property
    def newer_codes(self) -> bool:
        """Whether errors have the names that newer versions of Medblocks have for them."""
        return self._store is not None and self._store.newer_codes

    @property
    def fired(self) -> dict[str, int]:
        """How often each fault happened since the specs were last replaced."""
        counts: dict[str, int] = self._plan.to_json()["fired"]
        return counts

    def replace(self, specs: Sequence[Mapping[str, Any] | Spec], *, seed: int | None = None) -> None:
        """Replace all faults with these, and end an ongoing refusal.

        Raise FaultError, and change nothing, when one can't be used.
        """
        try:
            parsed = msgspec.convert(specs, list[Spec])
        except msgspec.ValidationError as error:
            raise FaultError(f"{error}.") from error
        if any(spec.operation not in (None, *self.operations) for spec in parsed):
            raise FaultError(f"operation must be one of: {', '.join(self.operations)}.")
        refusal = max((spec.ms or 0 for spec in parsed if spec.fault == REFUSE), default=0)
        if refusal and self.refuse is None:
            raise FaultError(f"{REFUSE} acts on a port. Serve the sandbox with SandboxServer.")
        self._plan.replace(parsed, seed)
        if self.refuse is not None:
            self.refuse(refusal / 1000)

    def use(self, profile: str, *, seed: int | None = None) -> None:
        """Replace all faults with those of a profile.

        Raise FaultError when it does not exist, or when only the client's address brings it about.
        """
        if profile not in PROFILES:
            raise FaultError(f"profile must be one of: {', '.join(PROFILES)}.")
        if PROFILES[profile].over_https:
            raise FaultError(f"{profile} can't be switched here. Call this port with https:// instead.")
        self.replace(PROFILES[profile].faults, seed=seed)

    def wait_until_settled(self, timeout: float) -> bool:
        """Wait until no fault is under way, late commits included. Return False after `timeout` seconds."""
        with self._settled:
            return self._settled.wait_for(lambda: not self._under_way, timeout)

    def to_json(self) -> dict[str, Any]:
        """Return the active faults, how often each one fired, and what there is to choose from."""
        faults = {name: kind.summary for name, kind in KINDS.items()}
        faults[REFUSE] = "End all connections, and refuse new ones for `ms` from now on."
        profiles = {name: asdict(profile) for name, profile in PROFILES.items()}
        choices = {"profiles": profiles, "faults": faults, "operations": self.operations}
        return {**self._plan.to_json(), **choices}

    def _meet(self, environ: "WSGIEnvironment") -> "WSGIApplication":
        endpoint = self._endpoint(environ)
        spec = self._plan.pick(endpoint.rpartition(".")[2], hosted=not endpoint.startswith(_API))
        if spec is None:
            return self._app
        kind = KINDS[spec.fault]
        ms = kind.ms if spec.ms is None else spec.ms
        exchange = Exchange(self._app, environ, ms, spec.status, self.halted, self.newer_codes)
        self._count(1)
        try:
            if ms and not kind.paced:
                exchange.wait()
            response = kind.act(exchange)
        finally:
            self._count(-1)
        if response is None:
            raise Dropped
        return response

    def _endpoint(self, environ: "WSGIEnvironment") -> str:
        try:
            return str(self._urls.bind_to_environ(environ).match()[0])
        except HTTPException:
            return ""

    def _count(self, change: int) -> None:
        with self._settled:
            self._under_way += change
            self._settled.notify_all()

    def _control(self, request: Request) -> Response:
        try:
            if request.method == "PUT":
                self._change(request.get_data())
            elif request.method == "DELETE":
                self.replace(())
            elif request.method != "GET":
                return Response(status=405, headers={"Allow": "GET, PUT, DELETE"})
        except FaultError as error:
            return _json({"error": {"message": str(error)}}, 400)
        return _json(self.to_json())

    def _change(self, body: bytes) -> None:
        try:
            change = msgspec.json.decode(body, type=_Change)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FaultError(f"{error}.") from error
        if change.profile is not None:
            self.use(change.profile, seed=change.seed)
        else:
            self.replace(change.faults or (), seed=change.seed)


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body, indent=2) + "\n", status, content_type="application/json")
