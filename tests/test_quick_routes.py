"""Routes found quickly are those that Werkzeug would have found, for any path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, MapAdapter, Rule

from bff import create_app
from bff.config import load_settings
from bff.quick_routes import QuickAdapter, QuickRoutes

OURS = create_app(load_settings({"MEDBLOCKS_API_KEY": "mb_sk_sbx_test"})).url_map
# An app may add rules that ask for more, and that must not be passed over.
OTHERS = Map(
    [
        Rule("/", endpoint="start"),
        Rule("/a/<b>", endpoint="ab", methods=["GET"]),
        Rule("/a/b", endpoint="ab-itself", methods=["POST"]),
        Rule("/<a>/b", endpoint="any-b"),
        Rule("/c/<d>/e", endpoint="cde", methods=["GET"]),
        Rule("/c/d/<e>", endpoint="cd-any", methods=["GET", "PUT"]),
        Rule("/c/d/", endpoint="slash", methods=["GET"]),
        Rule("/c/<x>", endpoint="cx", methods=["GET"]),
        Rule("/files/<path:name>", endpoint="files"),
        Rule("/files/<name>", endpoint="file", methods=["GET"]),
        Rule("/numbers/<int:number>", endpoint="number"),
        Rule("/numbers/<text>", endpoint="no-number", methods=["GET"]),
        Rule("/pages/", endpoint="page", defaults={"number": "1"}, methods=["GET"]),
        Rule("/page/<number>", endpoint="page", methods=["GET"]),
        Rule("/live/<name>", endpoint="live", websocket=True),
        Rule("/live/<name>", endpoint="not-live", methods=["GET"]),
        Rule("/old", endpoint="old", redirect_to="/a/b", methods=["GET"]),
        Rule("/loose/<name>/", endpoint="loose", strict_slashes=False, methods=["GET"]),
        Rule("/built", endpoint="built", build_only=True),
        Rule("/a<b>/c", endpoint="half", methods=["GET"]),
    ]
)
WORDS = sorted(
    {part for url_map in (OURS, OTHERS) for r in url_map.iter_rules() for part in r.rule.split("/")}
)

segments = st.one_of(
    st.sampled_from([*WORDS, "", ".", "..", "1", "b\n", "d%2F"]), st.text("ab<>\n é|", max_size=3)
)
paths = st.lists(segments, max_size=6).map(lambda parts: "/" + "/".join(parts))
methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"])


def found(adapter):
    try:
        rule, arguments = adapter.match(return_rule=True)
    except HTTPException as error:
        return error.code, getattr(error, "new_url", None), getattr(error, "valid_methods", None)
    return rule, dict(arguments)


def request(kind, url_map, path, method):
    return kind(url_map, "host.example", "", "", "https", path, method, "")


@pytest.mark.parametrize("url_map", [OURS, OTHERS])
@given(path=paths, method=methods)
def test_a_route_is_the_one_that_werkzeug_finds(url_map, path, method):
    quick = request(QuickAdapter, url_map, path, method)
    quick.quick = QuickRoutes(url_map)

    assert found(quick) == found(request(MapAdapter, url_map, path, method))


@pytest.mark.parametrize(
    ("method", "path", "endpoint"),
    [
        ("GET", "/api/patients/user_42", "patients.read_patient"),
        ("POST", "/api/patients", "patients.create_patient"),
        ("GET", "/api/patients/user_42/connections", "patients.list_connections"),
        ("GET", "/intake", "intake.form"),
        ("GET", "/healthz", "health.healthz"),
    ],
)
def test_the_routes_that_matter_are_found_without_werkzeug(method, path, endpoint):
    rule, _ = QuickRoutes(OURS).find(method, path)

    assert rule.endpoint == endpoint


@pytest.mark.parametrize("path", ["/files/x", "/numbers/x", "/page/2", "/live/x"])
def test_what_another_rule_may_have_a_say_in_is_left_to_werkzeug(path):
    assert QuickRoutes(OTHERS).find("GET", path) is None
