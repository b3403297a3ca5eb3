"""`medblocks-bff pseudonym`: the name of a patient in the audit trail."""

import click

from bff.access.keys import Keys
from bff.cli import startup


@click.command()
@click.option("--patient-id", required=True, help="The patient whose lines in the audit trail you look for.")
def pseudonym(patient_id: str) -> None:
    """Print the pseudonym that the audit trail has for a patient.

    The pseudonym depends on the secret. While BFF_SECRET_PREVIOUS is set, the one from before is printed too.
    """
    settings, _ = startup.read_settings()
    labels = ("with BFF_SECRET", "with BFF_SECRET_PREVIOUS")
    for tag, label in zip(Keys(*settings.secrets).tags("patient", patient_id), labels, strict=False):
        click.echo(f"{tag}  {label}" if settings.secret_previous else tag)
