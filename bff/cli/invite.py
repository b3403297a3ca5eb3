"""`medblocks-bff invite`: a link that lets one browser act for one patient."""

import click

from bff.access.invites import invite_url
from bff.cli import startup


@click.command()
@click.option("--patient-id", required=True, help="The patient that the invited browser may act for.")
@click.option("--hours", default=24.0, help="How long the link is valid, 72 at most.")
def invite(patient_id: str, hours: float) -> None:
    """Print a link that lets one browser act for one patient, once."""
    settings, _ = startup.read_settings()
    try:
        click.echo(invite_url(patient_id, hours=hours, settings=settings))
    except ValueError as error:
        raise click.ClickException(str(error)) from error
