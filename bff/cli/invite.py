"""`medblocks-bff invite`: a link that lets one browser act for one patient."""

import click

from bff.access.keys import Keys
from bff.access.store import MemoryStore
from bff.cli import startup


@click.command()
@click.option("--patient-id", required=True, help="The patient that the invited browser may act for.")
@click.option("--hours", default=24.0, show_default=True, help="How long the link is valid, 72 at most.")
def invite(patient_id: str, hours: float) -> None:
    """Print a link that lets one browser act for one patient, once. For BFF_IDENTITY=invite."""
    settings, _ = startup.read_settings(8000, startup.EX_CONFIG)
    if settings.identity != "invite":
        raise click.ClickException("Invites are off: set BFF_IDENTITY=invite, here and where it serves.")
    from bff.access.encryption import Encryption  # noqa: PLC0415 - cryptography, which few commands need
    from bff.access.invites import Invites  # noqa: PLC0415 - the same

    encryption = Encryption(Keys(*settings.secrets).derive("invite"))
    invites = Invites(encryption, MemoryStore())
    try:
        click.echo(f"{settings.public_url}/invite/{invites.make(patient_id, hours)}")
    except ValueError as error:
        raise click.ClickException(str(error)) from error
