"""`medblocks-bff check`: the settings, and everything beyond this machine that they name."""

import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import click

from bff.access.store import open_redis
from bff.cli import messages, startup
from bff.config import Settings
from bff.errors import IdentityUnavailable, InvalidCredential, UnusableLogin
from bff.medblocks.errors import AccountError, MedblocksError, UnsupportedVersion
from bff.services import connect


@click.command()
def check() -> None:
    """Check the settings, Medblocks, the key, and Redis and the login's keys if they are set."""
    all_fine = True
    for finding in findings(*startup.read_settings(exit_code=1)):
        click.echo(finding.text, err=not finding.fine)
        all_fine = all_fine and finding.fine
    sys.exit(0 if all_fine else 1)


class Finding(NamedTuple):
    """The result of one check: a sentence for the operator, and whether all is fine."""

    text: str
    fine: bool = True


def findings(settings: Settings, variables: Iterable[str]) -> Iterator[Finding]:
    """Yield the result of each check as soon as it is known; `variables` are the names that are set."""
    yield Finding(f"Settings: fine. Browsers reach this server at {settings.public_url}.")
    yield from (Finding(text) for text in messages.security_summary(settings))
    if settings.separate_processes:
        yield Finding(messages.separate_processes(settings))
    yield from (Finding(text) for text in messages.outgoing_calls(settings, variables))
    yield from _medblocks(settings)
    if redis := open_redis(settings):
        fine = redis.check()
        rest = "it answers." if fine else "it does not answer. Check BFF_REDIS_URL and the network."
        yield Finding(f"Redis: {rest}", fine=fine)
    if settings.identity == "jwt" and settings.jwt_jwks_url:
        yield _login(settings.jwt_jwks_url, settings.ca_file)


def _medblocks(settings: Settings) -> Iterator[Finding]:
    medblocks = connect(settings).medblocks
    try:
        medblocks.health()
        yield Finding(f"Medblocks: {settings.base_url} answers.")
        medblocks.connections.list(limit=1)
        yield Finding("Key: Medblocks accepts it.")
        yield Finding(f"Version: {settings.version_text}. Medblocks accepts it.")
    except UnsupportedVersion:
        yield Finding(messages.refused_version(settings), fine=False)
    except AccountError as error:
        text = f"Key: Medblocks refuses it ({error}). Set MEDBLOCKS_API_KEY to a valid one."
        yield Finding(text, fine=False)
    except MedblocksError as error:
        text = f"Medblocks: no usable answer from {settings.base_url} ({error}). "
        check = "Check MEDBLOCKS_BASE_URL, the network, and BFF_CA_FILE and MEDBLOCKS_PROXY if you need them."
        yield Finding(f"{text}{check}", fine=False)


def _login(url: str, ca_file: str | None) -> Finding:
    from bff.access.identity.jwks import Jwks  # noqa: PLC0415 - cryptography, which only a login needs

    try:
        Jwks(url, ca_file=ca_file).find("")
    except IdentityUnavailable:
        check = "Check BFF_JWT_JWKS_URL, and BFF_CA_FILE if its certificate authority is private."
        return Finding(f"Login: there are no usable keys at {url}. {check}", fine=False)
    except UnusableLogin as error:
        return Finding(f"Login: no token can be verified with the keys at {url}: {error}.", fine=False)
    except InvalidCredential:  # none of the keys has this id
        pass
    return Finding(f"Login: its keys are at {url}.")
