"""The command line, `medblocks-bff`: one module for each command."""

import click

from bff import __version__
from bff.cli.check import check
from bff.cli.demo import demo
from bff.cli.invite import invite
from bff.cli.pseudonym import pseudonym
from bff.cli.sandbox import sandbox
from bff.cli.serve import serve
from bff.cli.webhook import webhook_test


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(__version__, prog_name="medblocks-bff")
def main() -> None:
    """Run the server between a browser and Medblocks."""


for command in (demo, serve, sandbox, check, invite, pseudonym, webhook_test):
    main.add_command(command)
