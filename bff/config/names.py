"""The names of variables: which look like ours and are none, and which setting was probably meant."""

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches

# How much like a setting a name is that must be meant for it. A team's own names, such as BFF_VERSION or
# MEDBLOCKS_API_URL, are below.
_NEARLY = {"BFF_": 0.85, "MEDBLOCKS_": 0.93}
# What Kubernetes adds to every container for a service called "bff", "medblocks" or, say, "medblocks-bff".
_KUBERNETES = re.compile(
    r"(BFF|MEDBLOCKS)(_[A-Z0-9]+)*_"
    r"(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)


def unknown_names(names: Iterable[str], settings: Collection[str]) -> dict[str, str | None]:
    """Return the names that look like ours and are no settings, each with what was probably meant."""
    return {
        name: _meant(name, settings)
        for name in names
        if name not in settings
        and _folded(name).startswith(tuple(_NEARLY))
        and not _KUBERNETES.fullmatch(name)
    }


def no_setting(meant: str | None) -> str:
    """Return what is wrong with such a name, to go after it."""
    return f"is no setting. Did you mean {meant}?" if meant else "is no setting, and has no effect."


def _meant(name: str, settings: Collection[str]) -> str | None:
    folded = _folded(name)
    cutoff = next(cutoff for prefix, cutoff in _NEARLY.items() if folded.startswith(prefix))
    for setting in get_close_matches(folded, settings, n=1, cutoff=cutoff):
        # What goes on after a setting's name, such as BFF_SECRET_OLD, is no slip.
        return None if folded.startswith(f"{setting}_") else setting
    return None


def _folded(name: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
