"""Finds problems that no single value shows: settings that contradict each other, and misspelled names."""

import re
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

from bff.config.settings import ANY_PORT, SETTING_NAMES, Settings

# How similar to a setting's name a misspelled one is. A team's own variables, such as BFF_VERSION and
# MEDBLOCKS_API_URL, are less similar.
_SIMILARITY = {"BFF_": 0.85, "MEDBLOCKS_": 0.93}
# What Kubernetes adds to every container for a service called "bff", "medblocks" or "medblocks-bff".
_KUBERNETES = re.compile(
    r"(BFF|MEDBLOCKS)(_[A-Z0-9]+)*_"
    r"(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)
_IDENTITY_PREFIXES = {"jwt": "BFF_JWT_", "header": "BFF_HEADER_"}
_ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_SYMMETRIC = ("HS256", "HS384", "HS512")


def key_problems(given: Collection[str]) -> dict[str, str]:
    """Return what is wrong if neither or both of the key's variables are given."""
    present = [name in given for name in ("MEDBLOCKS_API_KEY", "MEDBLOCKS_API_KEY_FILE")]
    if not any(present):
        return {
            "MEDBLOCKS_API_KEY": "is not set. Set it to your Medblocks key (or set MEDBLOCKS_API_KEY_FILE), "
            "or try `medblocks-bff demo`, which needs none."
        }
    if all(present):
        return {"MEDBLOCKS_API_KEY_FILE": "is set, and MEDBLOCKS_API_KEY too. Keep one of them."}
    return {}


def combination_problems(settings: Settings, given: Iterable[str]) -> dict[str, str]:
    """Return what is wrong with settings that are valid one by one, by the variable to change."""
    problems = _live_key_problems(settings) if settings.live else {}
    if settings.identity == "jwt":
        problems |= _jwt_problems(settings)
    elif settings.identity == "header":
        needed = {
            "BFF_HEADER_SECRET": settings.header_secret,
            "BFF_HEADER_NETWORKS": settings.header_networks,
        }
        problems |= _missing(settings.identity, needed)
    elif settings.identity == "invite" and settings.separate_processes:
        needs = f"BFF_IDENTITY=invite with BFF_PROCESSES={settings.processes} needs it"
        problems["BFF_REDIS_URL"] = f"is not set, and {needs}: each process would accept an invite once."
    if settings.proxy and settings.base_url.startswith("http://"):
        problems["MEDBLOCKS_PROXY"] = (
            "is set, but MEDBLOCKS_BASE_URL is http://: the proxy would see the key. Remove one of them."
        )
    return problems | _return_url_problems(settings) | _unused(settings.identity, given)


def _return_url_problems(settings: Settings) -> dict[str, str]:
    """Return what is wrong with addresses that have any port, which are for development."""
    if not settings.trial and any(url.endswith(ANY_PORT) for url in settings.return_urls):
        problem = f"has an address with any port ({ANY_PORT}), which needs a sandbox key. Remove it."
    elif settings.return_urls[0].endswith(ANY_PORT):
        problem = f"begins with an address with any port ({ANY_PORT}). Put another first: it is the default."
    else:
        return {}
    return {"BFF_RETURN_URLS": problem}


def _live_key_problems(settings: Settings) -> dict[str, str]:
    """Return what would send a live key in clear text, or open every patient to everyone."""
    problems = {}
    if settings.base_url.startswith("http://"):
        problems["MEDBLOCKS_BASE_URL"] = (
            "is http://, but MEDBLOCKS_API_KEY is a live key. Use a sandbox key (mb_sk_sbx_…) here."
        )
    if settings.report_only:
        problems["BFF_ACCESS"] = "is report, but MEDBLOCKS_API_KEY is a live key. Set it to enforce or auto."
    return problems


def _jwt_problems(settings: Settings) -> dict[str, str]:
    needed = {"BFF_JWT_ISSUER": settings.jwt_issuer, "BFF_JWT_AUDIENCE": settings.jwt_audience}
    problems = _missing("jwt", needed)
    if not settings.jwt_jwks_url and not settings.jwt_secret:
        problems["BFF_JWT_JWKS_URL"] = "is not set, and BFF_IDENTITY=jwt needs it, or BFF_JWT_SECRET."
    elif settings.jwt_jwks_url and settings.jwt_secret:
        problems["BFF_JWT_JWKS_URL"] = "is set, and BFF_JWT_SECRET too. Keep one of them."
    else:
        allowed = _ASYMMETRIC if settings.jwt_jwks_url else _SYMMETRIC
        if wrong := set(settings.jwt_algorithms) - set(allowed):
            problems["BFF_JWT_ALGORITHMS"] = (
                f"has {len(wrong)} that can't be used here. Choose from: {', '.join(allowed)}."
            )
    return problems


def _missing(identity: str, needed: Mapping[str, object]) -> dict[str, str]:
    problem = f"is not set, and BFF_IDENTITY={identity} needs it."
    return {name: problem for name, value in needed.items() if not value}


def _unused(chosen: str, given: Iterable[str]) -> dict[str, str]:
    """Return settings of identities that are not chosen: the choice could be a mistake."""
    return {
        name: f"is set, but BFF_IDENTITY is {chosen}. Set BFF_IDENTITY={identity}, or remove this."
        for identity, prefix in _IDENTITY_PREFIXES.items()
        for name in given
        if name.startswith(prefix) and identity != chosen
    }


def misspelled_names(names: Iterable[str]) -> dict[str, str]:
    """Return what is wrong with misspelled names: if they were ignored, access could stay open."""
    unknown = unknown_names(names)
    return {name: no_setting(suggestion) for name, suggestion in unknown.items() if suggestion}


def unknown_names(names: Iterable[str]) -> dict[str, str | None]:
    """Return the unknown names with a prefix of settings, each with the setting that is probably meant."""
    return {
        name: _suggestion(name)
        for name in names
        if name not in SETTING_NAMES
        and _normalized(name).startswith(tuple(_SIMILARITY))
        and not _KUBERNETES.fullmatch(name)
    }


def no_setting(suggestion: str | None) -> str:
    """Return what is wrong with an unknown name, to be read after it."""
    return f"is no setting. Did you mean {suggestion}?" if suggestion else "is no setting, and has no effect."


def _suggestion(name: str) -> str | None:
    normalized = _normalized(name)
    cutoff = next(cutoff for prefix, cutoff in _SIMILARITY.items() if normalized.startswith(prefix))
    for setting in get_close_matches(normalized, SETTING_NAMES, n=1, cutoff=cutoff):
        # A name that continues after a setting's, such as BFF_SECRET_OLD, is meant as it is.
        return None if normalized.startswith(f"{setting}_") else setting
    return None


def _normalized(name: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
