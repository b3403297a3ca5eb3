"""The texts that the command line prints."""

import sys
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from bff import __version__
from bff.cli import origins
from bff.config import Settings
from bff.config.settings import LIVE, SANDBOX
from bff.sandbox import DEMO_KEY, PROFILES

UNKNOWN_KEY = (
    "Warning: the key (MEDBLOCKS_API_KEY, or what is in MEDBLOCKS_API_KEY_FILE) does not look like one of "
    f"Medblocks: those start with {LIVE} or {SANDBOX}."
)

# Other programs read these variables. Here they have no effect: what calls go through is set explicitly.
_IGNORED = {
    **dict.fromkeys(["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"], "MEDBLOCKS_PROXY"),
    **dict.fromkeys(["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR"], "BFF_CA_FILE"),
}


def outgoing_calls(settings: Settings, variables: Iterable[str]) -> Iterator[str]:
    """Yield what calls to other machines go through, and which variables have no effect on them."""
    if settings.proxy:
        yield "Proxy: calls to Medblocks go through MEDBLOCKS_PROXY."
    if settings.ca_file:
        yield f"Certificates: those in {settings.ca_file} are trusted, instead of the public authorities."
    for name in sorted(variables):
        if instead := _IGNORED.get(name.upper()):
            yield f"Ignored: {name}. Set {instead} if calls need it."


def security_summary(settings: Settings, app: str | None = None) -> Iterator[str]:
    """Yield who reaches what with these settings, and which of them could be mistakes.

    `app` is a team's own app, whose `identify` comes before the settings.
    """
    yield _access(settings, app)
    if not settings.rate_limit:
        yield "Limits: off, by BFF_RATE_LIMIT. Anyone may call as often as they like."
    if settings.identity == "invite" and settings.redis_url is None:
        yield (
            "Invites: each process accepts an invite once, and a restart forgets which were used. "
            "Set BFF_REDIS_URL to prevent both."
        )
    if not settings.host_check:
        yield (
            "Host names: all are accepted. Set BFF_PUBLIC_URL to the address that browsers use, and leave "
            "BFF_HOST_CHECK on."
        )
    if settings.live and not settings.https:
        yield (
            f"Address: BFF_PUBLIC_URL is {settings.public_url}, and patients are sent back to it. "
            "Set it to the https:// address that they use."
        )
    if settings.webhook_secrets:
        yield f"Webhooks: on, at {settings.public_url}/webhooks/medblocks.{_webhooks_warning(settings)}"
    yield from origins.summary(settings)


def separate_processes(settings: Settings) -> str:
    """Return what several processes without Redis mean."""
    return (
        f"Processes: {settings.processes}, and each counts limits for itself. Set BFF_REDIS_URL, or serve "
        "with one process."
    )


def _webhooks_warning(settings: Settings) -> str:
    if settings.separate_processes:
        return (
            " Each process remembers its own events, so one can run twice. Set BFF_REDIS_URL to prevent that."
        )
    return ""


def _access(settings: Settings, app: str | None) -> str:
    who = {
        "owner": "a browser reaches the patients that it created",
        "jwt": "the token of your login names the patient",
        "header": f"your proxy names the patient in {settings.header_name}",
        "invite": "a browser reaches the patients that it was invited for",
    }[settings.identity]
    if app:
        who = f"the identify function of {app} names the patient. If there is no such function, {who}"
    if settings.report_only:
        return f"Access: report. {_capitalized(who)}. All other access is allowed too, and reported."
    return f"Access: enforce. {_capitalized(who)}. All other access is denied."


def _capitalized(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def serving(settings: Settings, address: str, app: str | None) -> str:
    """Return where the production server listens, for which settings, and which app it serves."""
    of = f" with {app}" if app else ""
    return "\n".join(
        [
            f"medblocks-bff {__version__}{of} on {address}, for {settings.base_url}. Ctrl-C stops it.",
            f"Browsers reach it at {settings.public_url}.",
            *security_summary(settings, app),
            *_telemetry(settings),
        ]
    )


def _telemetry(settings: Settings) -> Iterator[str]:
    if settings.metrics_port:
        yield f"Metrics: on port {settings.metrics_port}, at /metrics."
    if settings.otel_endpoint:
        yield f"Traces: to {settings.otel_endpoint}."


def cannot_listen(host: str, port: int, reason: str, option: str) -> str:
    """Return why a port can't be used, and the option that chooses another."""
    return f"Can't listen on {host} port {port}: {reason}. Choose another with {option}."


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


def faults(name: str, sandbox_address: str) -> str:
    """Return how the sandbox fails with a profile, and how to change that."""
    profile = PROFILES[name]
    change = (
        "Restart the demo to change that."
        if profile.over_https
        else f"Change them: {sandbox_address}/_faults"
    )
    return f"Faults: {name}. {profile.description} {change}"


def demo(settings: Settings, sandbox_address: str) -> str:
    """Return where the demo is, and what to try."""
    address, summary = settings.public_url, "\n".join(origins.summary(settings))
    curl = r"curl -sw '\n' -b cookies.txt -c cookies.txt"
    body = """'{"patientId": "user_42", "email": "asha@example.com", "name": "Asha Example"}'"""
    return f"""
  The BFF, with the intake page:               {address}
  The sandbox, which stands in for Medblocks:  {sandbox_address}

Nothing leaves this machine: no key is used, and no request goes anywhere else. Settings come from the
environment; .env is not read. The key and the addresses are the demo's own.
Try the page, or these, as one browser whose cookie is kept in cookies.txt:

  {curl} {address}/api/patients -H 'Content-Type: application/json' -d {body}
  {curl} {address}/api/patients/user_42
  {curl} {address}/api/patient-sessions -H 'Content-Type: application/json' -d '{{"patientId": "user_42"}}'

To use it from a dev server, let its proxy pass /api, /static and /facilities to {address}. Or start
the demo with the dev server's origin, and call http://localhost:{urlsplit(address).port} from its pages:

  BFF_TRUSTED_ORIGINS=http://localhost:5173 {sys.executable} -m bff demo

{summary}

When a session ends, the sandbox sends webhooks to the BFF. The log has a line for each: "event":"webhook".

To run the production server against the sandbox, beside this:

  MEDBLOCKS_API_KEY={DEMO_KEY} MEDBLOCKS_BASE_URL={sandbox_address} {sys.executable} -m bff serve --port 8002

Ctrl-C stops both.
"""


def sandbox(address: str) -> str:
    """Return where the sandbox is, and how to use it."""
    return f"""The sandbox stands in for Medblocks: {address}

  MEDBLOCKS_API_KEY={DEMO_KEY} MEDBLOCKS_BASE_URL={address} {sys.executable} -m bff serve

Ctrl-C stops it."""
