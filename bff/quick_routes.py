"""Finds the route of a request by comparing the parts of its path: all that this product's routes need.

Werkzeug's own way, which knows much more, takes ten times as long. It still decides whatever is not plainly
one of these: unknown paths, other methods, redirects, and the rules of an app that has others.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from werkzeug.routing import Map, MapAdapter, Rule

_PART = re.compile(r"<([A-Za-z_]\w*)>|([^<>]*)")  # a name for any text, or a text


class _Plan(NamedTuple):
    """A rule: the parts that must be so, by their place, and the names of those that may be anything."""

    rule: Rule
    texts: list[tuple[int, str]]
    names: list[tuple[int, str]]


class QuickRoutes:
    """The rules of a map by method and number of parts, in the order of Werkzeug: a text before any text."""

    def __init__(self, url_map: Map) -> None:
        rules = list(url_map.iter_rules())
        plans = [plan for plan in map(_plan_of, rules) if plan]
        planned = {id(plan.rule) for plan in plans}
        others = [rule for rule in rules if id(rule) not in planned]
        # What such a rule may have a say in, it gets.
        beginnings = {_beginning(rule) for rule in others}
        endpoints = {rule.endpoint for rule in others}
        self._plans: dict[tuple[str, int], list[_Plan]] = {}
        for plan in sorted(plans, key=_order):
            rule = plan.rule
            if _beginning(rule) not in beginnings and rule.endpoint not in endpoints:
                for method in rule.methods or ():
                    self._plans.setdefault((method, rule.rule.count("/") + 1), []).append(plan)

    def find(self, method: str, path: str) -> tuple[Rule, Mapping[str, Any]] | None:
        """Give the rule of a path and its arguments; None when that is for Werkzeug to say."""
        parts = path.split("/")
        for rule, texts, names in self._plans.get((method, len(parts)), ()):
            for place, text in texts:
                if parts[place] != text:
                    break
            else:
                arguments = {name: parts[place] for place, name in names}
                return (rule, arguments) if "" not in arguments.values() else None
        return None


def _plan_of(rule: Rule) -> _Plan | None:
    """Plan a rule; None for one that asks for more than texts and names."""
    if rule.websocket or rule.build_only or rule.subdomain or rule.host or not rule.methods:
        return None
    if rule.defaults or rule.alias or rule.redirect_to or _beginning(rule).startswith("<"):
        return None
    if rule.rule != "/" and rule.rule.endswith("/"):
        return None  # Werkzeug redirects to it
    plan = _Plan(rule, [], [])
    for place, part in enumerate(rule.rule.split("/")):
        match = _PART.fullmatch(part)
        if match is None:
            return None
        if match[1]:
            plan.names.append((place, match[1]))
        else:
            plan.texts.append((place, part))
    return plan


def _beginning(rule: Rule) -> str:
    return rule.rule.split("/")[1]


def _order(plan: _Plan) -> list[bool]:
    return [part.startswith("<") for part in plan.rule.rule.split("/")]


class QuickAdapter(MapAdapter):
    """What finds the route of one request."""

    quick: QuickRoutes

    def match(self, *args: Any, **kwargs: Any) -> Any:
        """Give the rule and its arguments, or raise as Werkzeug does; Flask asks so for every request."""
        if not args and kwargs == _FLASKS and not self.websocket:
            found = self.quick.find(self.default_method, self.path_info)
            if found:
                return found
        return super().match(*args, **kwargs)


_FLASKS = {"return_rule": True}
