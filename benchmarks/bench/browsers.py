"""Browsers that own the patients they ask for: the product enforces access, so they create them first."""

import http.client
import json
from pathlib import Path
from typing import Any

from benchmarks import records
from benchmarks.bench import contestants
from benchmarks.bench.wrk import Browsers
from benchmarks.upstream import run_upstream


class WrongAnswer(Exception):
    """A server answers a read with something else than the patient."""


def ask(port: int, path: str, cookie: str = "", body: dict[str, Any] | None = None) -> tuple[Any, str]:
    """Ask a server for JSON, and give it with the cookie that it sets. Raises WrongAnswer but for a 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Cookie": cookie} if cookie else {}
    try:
        if body is None:
            connection.request("GET", path, headers=headers)
        else:
            connection.request(
                "POST", path, json.dumps(body), {"Content-Type": "application/json", **headers}
            )
        reply = connection.getresponse()
        text = reply.read().decode()
    finally:
        connection.close()
    if reply.status != 200:
        raise WrongAnswer(f"{path}: {reply.status} {text[:200]}")
    return json.loads(text), (reply.getheader("Set-Cookie") or "").partition(";")[0]


def enroll(folder: Path, count: int) -> Browsers:
    """Create a patient for each browser through the product; its other runs accept their cookies."""
    lines = []
    with run_upstream(latency=0) as upstream, contestants.run(contestants.OURS, upstream, folder) as server:
        for number in range(count):
            patient_id = records.patient_id(number)
            _, cookie = ask(server.port, "/api/patients", body={"patientId": patient_id})
            lines.append((f"/api/patients/{patient_id}", cookie))
    return Browsers.write(folder / "browsers", lines)


def check_read(port: int, browsers: Browsers, *, normalised: bool = True) -> None:
    """Raise WrongAnswer unless a server gives a browser its patient, with the documented fields alone."""
    path, cookie = browsers.lines()[0]
    answer, _ = ask(port, path, cookie)
    patient = records.answered if normalised else records.stored
    if answer != patient(path.rpartition("/")[2]):
        raise WrongAnswer(f"{path}: {answer}")
