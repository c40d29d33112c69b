"""``envconn export FORMAT``: print one connection in another program's format; secrets only with ``--reveal``."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import cast

from envconn.cli.terminal import complain, show
from envconn.errors import ConfigurationError, EndpointUnavailable
from envconn.exit_codes import EX_CONFIG, EX_OK, EX_USAGE
from envconn.export import FORMATS, render
from envconn.grammar.libpq_keywords import SERVICE_FILES
from envconn.selection import select_services
from envconn.selection.databases import DATABASE
from envconn.selection.variables import ENDPOINTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Mapping

    from envconn.export import FormatName
    from envconn.tls import SecuredConnection


def run(options: argparse.Namespace) -> int:
    """Print the text and return the exit code."""
    if options.format not in FORMATS:
        return usage("export", f"unsupported format. Use one of {', '.join(FORMATS)}")
    if options.ca is not None and not options.ca.startswith("/"):
        return usage("export", "--ca: must be an absolute path")
    if options.format == "pg":
        forget_service_file()
    report = select_services(env_file=options.env_file).report
    if not report.ok:
        complain(report.problems)
        return EX_CONFIG
    connection = selected(report.services, options, "export")
    return connection if isinstance(connection, int) else _write(connection, options)


def selected(
    services: Mapping[str, SecuredConnection], options: argparse.Namespace, command: str
) -> SecuredConnection | int:
    """Return the connection that `options` select, or print the problem and return the exit code."""
    service = services.get(options.service or DATABASE)
    if service is None:
        return no_service(command, services)
    try:
        return service.endpoint(**ENDPOINTS[options.endpoint]) if options.endpoint else service
    except EndpointUnavailable as unavailable:
        complain(unavailable.problems)
    return EX_CONFIG


def forget_service_file() -> None:
    """Remove what makes libpq read a service file from this process: its variables are exported without it."""
    for name in SERVICE_FILES:
        os.environ.pop(name, None)


def no_service(command: str, known: Collection[str]) -> int:
    """Print that ``--service`` is not one of the `known` services, and return the exit code."""
    names = f"Use one of {', '.join(known)}" if known else "No service is configured"
    return usage(command, f"--service: not found. {names}")


def placed(connection: SecuredConnection) -> str | None:
    """Return the path of a lasting file for a CA that was given as text; `None` for any other.

    The file outlives this process.

    Raises:
        ConfigurationError: it cannot be written.
    """
    ca = connection.tls.ca
    if ca is None or ca.path:
        return None
    from envconn.tls.ca_file import lasting

    return lasting(ca.pem, ca.variable)


def usage(command: str, message: str) -> int:
    """Print what is wrong with the command line, and return the exit code."""
    show(f"envconn {command}: {message}", sys.stderr)
    return EX_USAGE


def _write(connection: SecuredConnection, options: argparse.Namespace) -> int:
    name = cast("FormatName", options.format)
    try:
        ca = options.ca or (placed(connection) if FORMATS[name].here else None)
        text = render(connection, name, ca=ca, libpq=options.libpq, mask=not options.reveal)
    except ConfigurationError as refused:
        complain(refused.problems)
        return EX_CONFIG
    if isinstance(sys.stdout, TextIOWrapper):
        # Programs read this, and they expect UTF-8, not the encoding of the terminal.
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    title = FORMATS[name].title.replace("`", "")
    if not options.reveal:
        show(f"envconn export: {title}. Secrets are masked: use --reveal to print them", sys.stderr)
    elif sys.stdout.isatty():
        show(f"envconn export: {title}. It contains secrets, and the terminal may keep them", sys.stderr)
    sys.stdout.write(text)
    return EX_OK
