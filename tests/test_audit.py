"""The audit trail: who did what with what outcome, under pseudonyms."""

import json
import logging

import pytest
from flask import Flask

from bff.audit import Audit
from bff.logs import JsonFormatter
from bff.request_context import RequestContext, request_context


@pytest.fixture
def lines(caplog):
    """Give the lines of the audit trail so far."""
    caplog.set_level(logging.INFO, logger="bff.audit")

    def read():
        return [
            json.loads(JsonFormatter().format(made)) for made in caplog.records if made.name == "bff.audit"
        ]

    return read


def audit():
    return Audit(lambda kind, text: f"{kind}-{len(text)}")


def test_a_line_names_the_event_and_nobody(lines):
    audit().record(
        "read patient",
        "ok",
        actor="owner-1",
        patient_id="user_42",
        upstream_request_id="req_1",
        details={"n": 2},
    )

    (line,) = lines()
    assert line.pop("time")
    assert line == {
        "level": "info",
        "logger": "bff.audit",
        "message": "audit",
        "event": "read patient",
        "outcome": "ok",
        "actor": "actor-7",
        "patient": "patient-7",
        "request_id": None,
        "upstream_request_id": "req_1",
        "n": 2,
    }


def test_a_line_within_a_request_has_its_id(lines):
    app = Flask("test")
    app.request_class = RequestContext
    with app.test_request_context():
        request_context().request_id = "req_1"
        audit().record("read patient", "ok")

    (line,) = lines()
    assert (line["request_id"], line["actor"], line["patient"]) == ("req_1", None, None)


def test_a_trail_tells_what_the_block_learned(lines):
    with audit().trail("create patient", actor="owner-1") as entry:
        entry.patient_id = "user_42"
        entry.upstream_request_id = "req_1"

    (line,) = lines()
    assert (line["outcome"], line["patient"], line["upstream_request_id"]) == ("ok", "patient-7", "req_1")


def test_a_trail_has_the_errors_name_only(lines):
    with pytest.raises(ValueError, match="canary"), audit().trail("x", actor="owner-1", patient_id="user_42"):
        raise ValueError("canary")

    (line,) = lines()
    assert (line["outcome"], line["patient"]) == ("ValueError", "patient-7")
    assert "canary" not in json.dumps(line)
    assert "user_42" not in json.dumps(line)
