"""``flask envconn check``: works even if the application does not start, which is when it is needed."""

from __future__ import annotations

import click

import envconn

EX_CONFIG = 78
"""The exit code for a wrong configuration (sysexits.h), as for the command ``envconn``."""


@click.group("envconn", help="Prove that the connections in the environment use TLS.")
def group() -> None:
    """Group the commands."""


@group.command("check", help="Check the configuration; say what to change.")
def check() -> None:
    """Print the report, or the problems; exit with 78 for the latter."""
    try:
        click.echo(str(envconn.load().report()))
    except envconn.ConfigurationError as error:
        click.echo(str(error), err=True)
        raise SystemExit(EX_CONFIG) from None
