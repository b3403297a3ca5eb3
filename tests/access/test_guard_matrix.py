"""The access matrix: seven callers, every route about one patient, sixty spellings of its id."""

import base64
import re
from urllib.parse import quote, unquote

import pytest

from tests.factories import HOST, JWT_BY_SECRET, bearer, disconnected, patient, session, shared_app

OWNER_OF = {"<patient_id>": "user_42", "<patient_session_id>": "ps_1"}
UNKNOWN_OF = {"user_42": "user_77", "ps_1": "ps_7"}
CANARIES = ("Asha Example", "asha@example.com", "app.medblocks.com", "unguessable")
CALLERS = ["no cookie", "owner", "another owner", "tampered", "expired", "old key", "another tenant"]
CONNECTION = "conn_1"
ROUTES = [
    "/api/patients/<patient_id>",
    "/api/patients/<patient_id>/connections",
    f"/api/patients/<patient_id>/connections/{CONNECTION}",
    "/api/patient-sessions/<patient_session_id>",
    "/connected?patient_session_id=<patient_session_id>",
]
BY_TENANT = {
    **JWT_BY_SECRET,
    "BFF_JWT_PATIENT_ID": "{tenant}.{sub}",
}


def spellings(id_):
    """Sixty ways to write an id in a URL. Some mean the id itself, most mean another or none."""
    head, tail = id_[:-1], id_[-1]
    every_byte = "".join(f"%{byte:02X}" for byte in id_.encode())
    wide, letter = chr(ord(tail) + 0xFEE0), {"u": "\u057d", "p": "\u0440"}[id_[0]]
    return [
        *(id_, every_byte, every_byte.lower(), f"{head}%{ord(tail):02x}", id_.replace("_", "%5F")),
        *(quote(every_byte), quote(quote(every_byte)), id_.replace("_", "%255F"), f"%u00{ord(tail):x}"),
        *(id_.upper(), id_.title(), f"{id_[0].upper()}{id_[1:]}", id_.swapcase()),
        *(
            ".",
            "..",
            "%2e",
            "%2e%2e",
            "%252e%252e",
            f"{id_}.",
            f".{id_}",
            f"{id_}/.",
            f"{id_}/..",
            f"./{id_}",
        ),
        *(f"../patients/{id_}", f"x/../{id_}", f"%2e%2e%2f{id_}", f"x%2F..%2F{id_}", f"..;/{id_}"),
        *(f"{id_}/", f"/{id_}", f"//{id_}", f"{id_}%2F", f"%2F{id_}", f"{id_}%5C", f"..%5C{id_}"),
        *(f"{id_}%00", f"%00{id_}", f"{head}%00{tail}", f"{id_}%0A", f"{id_}%0D%0AX:1", f"{id_}%1F"),
        *(f"{head}{quote(wide)}", f"{quote(letter)}{id_[1:]}", f"{id_}%CC%81", f"{id_}%E2%80%8B"),
        *(f"{id_}%EF%BB%BF", f"{id_}%C2%A0", f"{id_}%FF", f"{head}%C0%AF{tail}", f"{id_}%ED%A0%80"),
        *(f"{id_}%20", f"%20{id_}", f"{id_}+", f"{id_}%09", f"{id_}%3Flimit=100", f"{id_}%23", f"{id_};a=b"),
        *(f"{id_}0", f"0{id_}", head, f"pat_{id_}", f"conn_{id_}", f"{id_},{id_}", f"{id_}*", id_ * 60),
    ]


class Caller:
    """A browser at an app."""

    def __init__(self, app, *, cookie=None, headers=None):
        self.client = app.test_client(use_cookies=cookie is not None)
        self.headers = headers or {}
        if cookie is not None:
            self.client.set_cookie("bff", cookie)

    def ask(self, method, route, spelling):
        placeholder = re.search("<.*?>", route)[0]
        return self.client.open(route.replace(placeholder, spelling), method=method, headers=self.headers)


def tampered(cookie):
    """Change a cookie's payload, as an attacker without the key would."""
    payload, *signature = cookie.split(".")
    text = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    other = base64.urlsafe_b64encode(text.replace(b'"p":[', b'"p":["x",')).rstrip(b"=").decode()
    return ".".join([other, *signature])


@pytest.fixture
def cookie_of(medblocks):
    """Have a browser create a patient and start a session; return its cookie."""

    def enroll(app, patient_id, session_id):
        client = app.test_client()
        medblocks.post(f"{HOST}/patients", json=patient(id=patient_id))
        medblocks.post(f"{HOST}/patient-sessions", json=session(id=session_id, patient_id=patient_id))
        assert client.post("/api/patient-sessions", json={"patient_id": patient_id}).status_code == 200
        return client.get_cookie("bff").value

    return enroll


@pytest.fixture
def caller(cookie_of, monkeypatch):
    """Build one of the seven callers, at an app that enforces access."""

    def enforcing(**variables):
        return shared_app(BFF_ACCESS="enforce", **variables)

    def old(app):
        with monkeypatch.context() as patch:
            patch.setattr("itsdangerous.TimestampSigner.get_timestamp", lambda _: 1)
            return cookie_of(app, "user_42", "ps_1")

    def another_key(_):
        return cookie_of(enforcing(BFF_SECRET="k" * 32), "user_42", "ps_1")

    cookies = {
        "owner": lambda app: cookie_of(app, "user_42", "ps_1"),
        "another owner": lambda app: cookie_of(app, "user_9", "ps_9"),
        "tampered": lambda app: tampered(cookie_of(app, "user_42", "ps_1")),
        "expired": old,
        "old key": another_key,
    }

    def build(name):
        if name == "another tenant":
            return Caller(enforcing(**BY_TENANT), headers=bearer(tenant="globex"))
        app = enforcing()
        return Caller(app, cookie=cookies[name](app) if name in cookies else None)

    return build


@pytest.fixture
def upstream(medblocks):
    """Mock the patient at Medblocks, and reset the recorded calls; no call is required."""

    def mock():
        medblocks.assert_all_requests_are_fired = False
        medblocks.get(re.compile(f"{HOST}/patients/.*"), json={**patient(), "connections": []})
        medblocks.get(re.compile(f"{HOST}/patient-sessions/.*"), json=session())
        medblocks.delete(f"{HOST}/patients/user_42/connections/{CONNECTION}", json=disconnected(CONNECTION))
        medblocks.calls.reset()
        return medblocks.calls

    return mock


def plain(reply):
    """Everything that a caller sees of a response, except the request id."""
    headers = sorted((name, value) for name, value in reply.headers if name != "X-Request-Id")
    text = re.sub(r"req_[0-9a-f]{24}|(?<=<strong>)[0-9a-f]{8}(?=</strong>)", "req_", reply.text)
    return reply.status, headers, text


def means(route, spelling):
    """The id that a spelling means when it is decoded, in a path or in a query."""
    return unquote(spelling.replace("+", " ") if "?" in route else spelling)


def methods_of(app, route):
    rule = next(rule for rule in app.url_map.iter_rules() if spelled(rule) == route.partition("?")[0])
    return sorted(rule.methods - {"OPTIONS"})


def spelled(rule):
    return str(rule).replace("<connection_id>", CONNECTION)


def test_the_matrix_has_every_route(app):
    rules = {
        spelled(rule)
        for rule in app.url_map.iter_rules()
        if rule.arguments & {"patient_id", "patient_session_id"}
    }

    assert rules == {route for route in ROUTES if "?" not in route}


@pytest.mark.parametrize("id_", UNKNOWN_OF)
def test_there_are_sixty_different_spellings(id_):
    assert len(set(spellings(id_))) >= 60


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", [name for name in CALLERS if name != "owner"])
def test_another_caller_gets_the_404_of_an_unknown_patient(caller, upstream, name, route):
    stranger, calls = caller(name), upstream()
    id_ = OWNER_OF[re.search("<.*?>", route)[0]]
    wrong = []
    for method in methods_of(stranger.client.application, route):
        unknown = plain(stranger.ask(method, route, UNKNOWN_OF[id_]))
        assert unknown[0] == "404 NOT FOUND"
        for spelling, unknown_spelling in zip(spellings(id_), spellings(UNKNOWN_OF[id_]), strict=True):
            reply = stranger.ask(method, route, spelling)
            if plain(reply) != unknown and not is_no_route(
                reply, stranger.ask(method, route, unknown_spelling), id_
            ):
                wrong.append((method, spelling, reply.status))
            if calls or any(canary in f"{reply.headers}{reply.text}" for canary in CANARIES):
                wrong.append((method, spelling, "leaks"))

    assert wrong == []


def is_no_route(reply, unknown_spelling, id_):
    """Return whether a URL leads to no patient for any caller: to no route, or to a redirect."""
    status, headers, text = plain(unknown_spelling)
    if status.startswith("308 "):
        headers = [(name, value.replace(UNKNOWN_OF[id_], id_)) for name, value in headers]
        return plain(reply) == (status, headers, text.replace(UNKNOWN_OF[id_], id_))
    # A 400 for bytes that are not UTF-8 depends on nothing but the query.
    return status.startswith(("400 ", "404 ")) and plain(reply) == (status, headers, text)


@pytest.mark.parametrize("route", ROUTES)
def test_the_owner_reaches_only_the_exact_id(caller, upstream, route):
    owner, calls = caller("owner"), upstream()
    id_ = OWNER_OF[re.search("<.*?>", route)[0]]
    wrong = []
    for method in methods_of(owner.client.application, route):
        for spelling in spellings(id_):
            calls.reset()
            reply = owner.ask(method, route, spelling)
            exact = means(route, spelling) == id_
            not_utf8 = "?" in route and "\ufffd" in means(route, spelling)
            allowed = (200,) if exact else (400,) if not_utf8 else (404, 308)
            if reply.status_code not in allowed or len(calls) != exact:
                wrong.append((method, spelling, reply.status, len(calls)))
            if not exact and any(canary in reply.text for canary in CANARIES):
                wrong.append((method, spelling, "leaks"))

    assert wrong == []
