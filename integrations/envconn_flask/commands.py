"""``flask envconn check``: works even if the application does not start, which is when it is needed."""

from __future__ import annotations

import click

import envconn


@click.group("envconn", help="Prove that the connections in the environment use TLS.")
def group() -> None:
    """Group the commands."""


@group.command("check", help="Check the configuration; say what to change.")
def check() -> None:
    """Print the report, or the problems; exit as ``envconn`` does."""
    try:
        click.echo(str(envconn.load().report()))
    except envconn.ConfigurationError as error:
        click.echo(str(error), err=True)
        raise SystemExit(error.exit_code) from None
