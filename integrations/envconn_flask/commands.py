"""``flask envconn check``: also there when the application does not start, which is when it is wanted."""

from __future__ import annotations

import click

import envconn

EX_CONFIG = 78
"""The exit code for a wrong configuration (sysexits.h), as of the command ``envconn``."""


@click.group("envconn", help="Prove that the connections in the environment use TLS.")
def group() -> None:
    """Hold the commands."""


@group.command("check", help="Check the configuration; say what to change.")
def check() -> None:
    """Print what was found, chosen and raised, or what is wrong; exit with 78 for the latter."""
    try:
        click.echo(str(envconn.load().report()))
    except envconn.ConfigurationError as error:
        click.echo(str(error), err=True)
        raise SystemExit(EX_CONFIG) from None
