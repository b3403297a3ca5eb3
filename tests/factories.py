"""Builders of what tests need again and again, each with good defaults; keyword arguments change them."""

import hashlib
import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from jinja2.bccache import Bucket, BytecodeCache
from joserfc import jwt
from joserfc.jwk import OctKey

from bff import create_app
from bff.access.keys import Keys
from bff.config import Settings, load_settings
from bff.enrollment.calls import GrantedCalls
from bff.medblocks.bulkhead import Bulkhead
from bff.medblocks.circuit_breaker import CircuitBreaker
from bff.medblocks.client import Medblocks
from bff.medblocks.http_client import HttpClient
from bff.medblocks.retries import Retries
from bff.medblocks.transport import Transport
from bff.sandbox import create_sandbox
from bff.sandbox.store import Store
from bff.services import KEY as SERVICES
from bff.services import Services
from bff.telemetry import open_telemetry
from bff.webhooks import OnEvent

# Nothing answers here: a call that a test forgot to mock fails.
HOST = "https://you-forgot-to-mock-medblocks.test"
KEY = "mb_sk_sbx_canary_key"
API_VERSION = "2026-04-25"
NOW = 1_800_000_000  # where tests stop the clock

# The settings for a login whose tokens `bearer` writes: with keys elsewhere, and with a shared secret.
JWT = {"BFF_IDENTITY": "jwt", "BFF_JWT_ISSUER": "https://login.example", "BFF_JWT_AUDIENCE": "bff"}
SECRET = "a-shared-secret-of-the-tests-that-is-long-enough-for-HS512-too-0123456789"
JWT_BY_SECRET = {**JWT, "BFF_JWT_SECRET": SECRET}


def variables(**changes: str) -> dict[str, str]:
    """Build the environment of an app whose Medblocks is mocked."""
    return {
        "MEDBLOCKS_API_KEY": KEY,
        "MEDBLOCKS_BASE_URL": HOST,
        "BFF_PUBLIC_URL": "http://localhost",
        "BFF_RETURN_URLS": "https://app.example.com/done https://app.example.com/records",
        # One test's failures must not open the circuit for the next one.
        "BFF_BREAKER_FAILURES": "10000",
        **changes,
    }


class CompiledTemplates(BytecodeCache):
    """Keeps what Jinja makes of each template: compiling them for each app is slow."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


_TEMPLATES = CompiledTemplates()


def make_app(
    identify: Callable[..., str | None] | None = None, on_event: OnEvent | None = None, **changes: str
) -> Flask:
    """Build an app; keyword arguments are variables of its environment."""
    app = create_app(load_settings(variables(**changes)), identify=identify, on_event=on_event)
    app.jinja_env.bytecode_cache = _TEMPLATES
    return app


@cache
def shared_app(**changes: str) -> Flask:
    """Build an app once, without rate limits, for all tests that leave nothing behind in it.

    A new app takes 15 ms, which is more than most tests.
    """
    return make_app(BFF_RATE_LIMIT="off", **changes)


@cache
def _unlimited_app(**changes: str) -> tuple[Flask, Settings]:
    limits = ("ADDRESS", "OWNER", "CREATES", "SESSIONS", "CONFLICTS")
    changes = {**{f"BFF_RATE_LIMIT_{name}": "1000000/minute" for name in limits}, **changes}
    return make_app(**changes), load_settings(variables(**changes))


def reused_app(**changes: str) -> Flask:
    """Return an app for one test, in a fiftieth of the time: its services are new, its routes are not.

    Its rate limits are there, but out of reach. Calls with the same variables return the same app.
    """
    app, settings = _unlimited_app(**changes)
    app.extensions[SERVICES] = Services(
        settings, Keys(*settings.secrets), None, open_telemetry(settings), identify=None
    )
    return app


@cache
def _sandbox(public_url: str, *api_keys: str) -> Flask:
    return create_sandbox(public_url, api_keys=api_keys)


def empty_sandbox(public_url: str = HOST, *api_keys: str) -> Flask:
    """Return a sandbox as if it were new. It is built once, which takes longer than most of its tests."""
    app = _sandbox(public_url, *(api_keys or (KEY,)))
    store: Store = app.extensions["sandbox"]
    vars(store).clear()
    vars(store).update(vars(Store(public_url)))
    return app


def http_client(origin: str = HOST, key: str = KEY, version: str | None = API_VERSION) -> HttpClient:
    """Build what sends requests to Medblocks."""
    return HttpClient(origin, key, version)


def make_client(failures: int = 5) -> Medblocks:
    """Build a client of Medblocks; its circuit opens after so many failures."""
    breaker = CircuitBreaker(failures=failures, seconds=2)
    return Medblocks(transport=Transport(http_client(), Retries(budget=True), breaker, Bulkhead(8)))


def make_calls(failures: int = 5) -> GrantedCalls:
    """Build the calls that take grants, over such a client."""
    return GrantedCalls(make_client(failures))


def form_token(client: FlaskClient, path: str = "/intake") -> str:
    """Open a form as a browser does, and return its token; the browser keeps the cookie."""
    return re.search(r'name="form_token" value="([^"]+)"', client.get(path).text).group(1)


def hidden_fields(page: str) -> dict[str, str]:
    """Return the hidden fields of a page's first form, which a browser sends along."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.partition("</form>")[0]))


def claims(**changes: Any) -> dict[str, Any]:
    """Build what a login says of user_42; `...` takes a claim away."""
    good = {"iss": "https://login.example", "aud": "bff", "sub": "user_42", "exp": 2**33}
    return {name: value for name, value in {**good, **changes}.items() if value is not ...}


def bearer(secret: str = SECRET, typ: str = "JWT", **changes: Any) -> dict[str, str]:
    """Build the header of a user who is signed in, with these claims changed."""
    token = jwt.encode({"alg": "HS256", "typ": typ}, claims(**changes), OctKey.import_key(secret))
    return {"Authorization": f"Bearer {token}"}


def signed_cookie(
    payload: object,
    key: bytes | None = None,
    salt: str = "owner",
    derivation: str = "hmac",
    digest: Callable[..., Any] = hashlib.sha256,
) -> str:
    """Build the value of an owner cookie; by default, one that an app of `make_app` believes."""
    keywords = {"key_derivation": derivation, "digest_method": digest}
    key = key or Keys(KEY).derive("owner cookie")[0]
    return URLSafeTimedSerializer(key, salt=salt, signer_kwargs=keywords).dumps(payload)


def patient(**changes: Any) -> dict[str, Any]:
    """Build a patient as Medblocks sends it."""
    return {
        "id": "user_42",
        "resource_type": "patient",
        "email": "asha@example.com",
        "name": "Asha Example",
        "metadata": {"signup_source": "intake"},
        "created_at": "2026-04-25T09:30:00Z",
        **changes,
    }


def created_patient(body: str | bytes) -> dict[str, Any]:
    """Build the patient that Medblocks makes of the body of a create."""
    sent = json.loads(body)
    return patient(id=sent.pop("patient_id"), **{"email": None, "name": None, "metadata": {}, **sent})


def connection(**changes: Any) -> dict[str, Any]:
    """Build a connection as it stands in a patient."""
    return {
        "id": "conn_1",
        "resource_type": "connection",
        "patient_session_id": "ps_1",
        "connection_id": "fhirsrc_1",
        "status": "active",
        "scopes": ["patient/*.read"],
        "failure_code": None,
        "failure_at": None,
        "created_at": "2026-04-25T09:34:00Z",
        "updated_at": "2026-04-25T09:34:00Z",
        **changes,
    }


def disconnected(connection_id: str = "conn_1") -> dict[str, Any]:
    """Build what Medblocks says when it has revoked a connection."""
    return {"id": connection_id, "resource_type": "connection", "disconnected": True}


def session(**changes: Any) -> dict[str, Any]:
    """Build a patient session as Medblocks sends it."""
    return {
        "id": "ps_1",
        "resource_type": "patient_session",
        "status": "open",
        "url": "https://app.medblocks.com/c/unguessable",
        "patient_id": "user_42",
        "connection_id": None,
        "recommended_connection_ids": None,
        "return_url": "https://app.example.com/done",
        "return_button_label": None,
        "connections": [],
        "expires_at": "2026-04-25T10:00:00Z",
        "metadata": {},
        "created_at": "2026-04-25T09:30:00Z",
        **changes,
    }


def attempt(number: int | str = 1, status: str = "active", **changes: Any) -> dict[str, Any]:
    """Build what became of a facility within a session."""
    return {
        "id": None if status == "failed" else f"conn_{number}",
        "connection_id": f"fhirsrc_{number}",
        "status": status,
        "created_at": "2026-04-25T09:34:00Z",
        **changes,
    }


def facility(number: int | str = 1, **changes: Any) -> dict[str, Any]:
    """Build a facility as the catalog sends it."""
    return {
        "id": f"fhirsrc_{number}",
        "resource_type": "fhir_source",
        "name": f"Alder Example Hospital {number}",
        "type": "meditech",
        "fhir_base_url": f"https://fhir.alder.example/{number}",
        "logo_url": f"https://alder.example/{number}.png",
        "portal_url": f"https://portal.alder.example/{number}",
        **changes,
    }


def facilities(*found: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Build a page of the catalog."""
    return {
        "resource_type": "list",
        "data": list(found),
        "has_more": False,
        "next_cursor": None,
        **changes,
    }


def error_body(code: str = "some_code", param: str | None = None) -> dict[str, Any]:
    """Build Medblocks' error envelope, with a text that must never reach a browser."""
    return {
        "error": {
            "type": "some_error",
            "code": code,
            "message": "UPSTREAM-TEXT",
            "param": param,
            "doc_url": "https://docs.medblocks.example/errors",
            "request_id": "req_upstream",
        }
    }


def event(**changes: Any) -> dict[str, Any]:
    """Build a webhook's event as Medblocks sends it."""
    return {
        "id": "evt_1",
        "object": "event",
        "type": "patient_session.completed",
        "api_version": API_VERSION,
        "created_at": "2026-04-25T09:35:00Z",
        "data": {"object": session(status="complete", connections=[attempt()])},
        **changes,
    }
