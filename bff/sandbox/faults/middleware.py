"""A WSGI middleware that applies faults to the sandbox's requests, and the route that sets them."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from random import Random
from threading import Condition, Event
from typing import TYPE_CHECKING, Any

import msgspec
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from bff.sandbox.faults.exchange import Dropped, Exchange
from bff.sandbox.faults.kinds import KINDS
from bff.sandbox.faults.specs import PROFILES, REFUSE, FaultError, Spec

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTROL_PATH = "/_faults"
_API = "api."  # faults do not meet hosted pages


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

    `fired` counts how often each fault happened since they were last replaced. `halted` ends all waits.
    `refuse` refuses connections for some seconds, where 0 ends an ongoing refusal: SandboxServer sets it.
    """

    def __init__(self, app: Flask) -> None:
        self.halted = Event()
        self.fired: Counter[str] = Counter()
        self.refuse: Callable[[float], None] | None = None
        endpoints = (rule.endpoint for rule in app.url_map.iter_rules())
        self.operations = sorted({name.removeprefix(_API) for name in endpoints if name.startswith(_API)})
        self._app: WSGIApplication = app.wsgi_app
        self._urls = app.url_map
        self._store = app.extensions.get("sandbox")
        self._active: list[Spec] = []
        self._random = Random()  # noqa: S311 - nothing secret is drawn
        self._under_way = 0
        self._state = Condition()  # its lock guards all that changes

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request as the app does, unless a fault meets it."""
        if environ["PATH_INFO"] == CONTROL_PATH:
            return self._control(Request(environ))(environ, start_response)
        spec = self._pick(environ)
        reply = self._app if spec is None else self._act(spec, environ)
        return reply(environ, start_response)

    def replace(self, specs: Sequence[Mapping[str, Any] | Spec], *, seed: int | None = None) -> None:
        """Replace all faults with these, and end an ongoing refusal.

        With a seed, the same requests in the same order meet the same faults. Raise FaultError, and change
        nothing, when one can't be used.
        """
        try:
            parsed = msgspec.convert(specs, list[Spec])
        except msgspec.ValidationError as error:
            raise FaultError(f"{error}.") from error
        if any(spec.operation not in (None, *self.operations) for spec in parsed):
            raise FaultError(f"operation must be one of: {', '.join(self.operations)}.")
        refusals = [spec for spec in parsed if spec.fault == REFUSE]
        if refusals and self.refuse is None:
            raise FaultError(f"{REFUSE} acts on a port. Serve the sandbox with SandboxServer.")
        with self._state:
            self._random.seed(seed)
            # A refusal happens once, at once: it never meets a request.
            self._active = [spec for spec in parsed if spec.fault != REFUSE]
            self.fired = Counter(spec.fault for spec in refusals)
        if self.refuse is not None:
            self.refuse(max((spec.ms or 0 for spec in refusals), default=0) / 1000)

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
        with self._state:
            return self._state.wait_for(lambda: not self._under_way, timeout)

    def to_json(self) -> dict[str, Any]:
        """Return the active faults, how often each one fired, and what there is to choose from."""
        faults = {name: kind.summary for name, kind in KINDS.items()}
        faults[REFUSE] = "End all connections, and refuse new ones for `ms` from now on."
        profiles = {name: asdict(profile) for name, profile in PROFILES.items()}
        choices = {"profiles": profiles, "faults": faults, "operations": self.operations}
        with self._state:
            return {"active": msgspec.to_builtins(self._active), "fired": dict(self.fired), **choices}

    def _pick(self, environ: "WSGIEnvironment") -> Spec | None:
        """Return the first active spec that meets a request, and count it; None if none does."""
        if not self._active:
            return None
        try:
            endpoint, _ = self._urls.bind_to_environ(environ).match()
        except HTTPException:
            return None
        if not endpoint.startswith(_API):
            return None
        with self._state:
            for spec in self._active:
                meant = spec.operation in (None, endpoint.removeprefix(_API))
                if meant and spec.times != 0 and self._random.random() < spec.probability:
                    spec.times = spec.times and spec.times - 1
                    self.fired[spec.fault] += 1
                    return spec
        return None

    def _act(self, spec: Spec, environ: "WSGIEnvironment") -> Response:
        kind = KINDS[spec.fault]
        ms = kind.ms if spec.ms is None else spec.ms
        newer_codes = self._store is not None and self._store.newer_codes
        with self._counted():
            response = kind.act(Exchange(self._app, environ, ms, spec.status, self.halted, newer_codes))
        if response is None:
            raise Dropped
        return response

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._state:
            self._under_way += 1
        try:
            yield
        finally:
            with self._state:
                self._under_way -= 1
                self._state.notify_all()

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
