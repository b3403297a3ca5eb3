"""What the command line says of the settings, and of the demo."""

import sys
from collections.abc import Iterator

from bff.config import Settings
from bff.config.settings import LIVE, SANDBOX
from bff.sandbox.app import DEMO_KEY
from bff.sandbox.fault_profiles import PROFILES

UNKNOWN_KEY = (
    "Warning: the key (MEDBLOCKS_API_KEY, or what is in MEDBLOCKS_API_KEY_FILE) does not look like one of "
    f"Medblocks: those start with {LIVE} or {SANDBOX}."
)


def security_summary(settings: Settings) -> Iterator[str]:
    """Say who reaches which patient under the settings, and what in them could be a mistake."""
    yield _access(settings)
    if not settings.rate_limit:
        yield "Limits: off, by BFF_RATE_LIMIT. Anyone may call as often as they like."
    if settings.live and not settings.https:
        yield (
            f"Address: BFF_PUBLIC_URL is {settings.public_url}, and patients are sent back to it. "
            "Set it to the https:// address that they use."
        )


def _access(settings: Settings) -> str:
    who = {
        "owner": "a browser reaches the patients that it created",
        "jwt": "the token of your login names the patient",
        "header": f"your proxy names the patient in {settings.header_name}",
        "invite": "a browser reaches the patients that it was invited for",
    }[settings.identity]
    if settings.report_only:
        return f"Access: report. {who.capitalize()}, but everyone else is let in too, and only reported."
    return f"Access: enforce. {who.capitalize()}, and nobody else's."


def refused_version(settings: Settings) -> str:
    """Return what to do about an API version that Medblocks refuses."""
    if settings.api_version:
        return (
            f"Version: Medblocks does not serve {settings.api_version}. Set MEDBLOCKS_API_VERSION to one "
            "that it serves, or to key for the one that is pinned on the key."
        )
    return (
        "Version: Medblocks does not serve the version that is pinned on the key. Set MEDBLOCKS_API_VERSION "
        "to one that it serves, such as 2026-04-25, or pin another on the key."
    )


def faults_text(name: str, sandbox_address: str) -> str:
    """Say how the pretend Medblocks fails under a profile, and how to change that."""
    profile = PROFILES[name]
    change = (
        "Start the demo anew to change that."
        if profile.over_https
        else f"Change them: {sandbox_address}/_faults"
    )
    return f"Faults: {name}. {profile.description} {change}"


def demo_text(address: str, sandbox_address: str) -> str:
    """Say where the demo is, and what to try."""
    curl = "curl -s -b cookies.txt -c cookies.txt"
    body = """'{"patientId": "user_42", "email": "asha@example.com", "name": "Asha Example"}'"""
    return f"""
  The BFF, with the intake page:  {address}
  The pretend Medblocks:          {sandbox_address}

Nothing leaves this machine: no key is used, and no request goes anywhere else. Of the settings, BFF_BRAND_*
and BFF_RETURN_URLS count here, from the environment alone.
Try the page, or these, as one browser whose cookie is kept in cookies.txt:

  {curl} {address}/api/patients -H 'Content-Type: application/json' -d {body}
  {curl} {address}/api/patients/user_42
  {curl} {address}/api/patient-sessions -H 'Content-Type: application/json' -d '{{"patientId": "user_42"}}'

To run the production server against the pretend Medblocks, beside this:

  MEDBLOCKS_API_KEY={DEMO_KEY} MEDBLOCKS_BASE_URL={sandbox_address} {sys.executable} -m bff serve --port 8002

Ctrl-C stops both.
"""


def sandbox_text(address: str) -> str:
    """Return where the sandbox is, and how to use it."""
    return f"""The sandbox stands in for Medblocks: {address}

  MEDBLOCKS_API_KEY={DEMO_KEY} MEDBLOCKS_BASE_URL={address} {sys.executable} -m bff serve

Ctrl-C stops it."""
