"""What dj-database-url, django-environ, environs, bare pydantic-settings and envconn make of the same environments.

`TABLE` is what docs/comparison.md says, and `worker` what tries it, in a process of its own.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

READERS = (
    "dj-database-url",
    "dj-database-url, `ssl_require=True`",
    "django-environ",
    "environs",
    "pydantic-settings",
    "envconn",
)

IN_CLEAR, TLS, BY_DRIVER, AT_START = "sends the password unencrypted", "TLS", "the driver refuses", "refused at start"
ANOTHER = "accepts another host's certificate"
UNENCRYPTED, LEAKS, MISREAD, NOTHING, GOOD = (
    "connects unencrypted",
    "shows the password",
    "misread",
    "no database",
    "ok",
)


class Row(NamedTuple):
    """An environment, the server that it leads to, and what each of `READERS` does.

    `server` is ``N``, which claims to have no TLS and takes any password, a state of the lab, or empty: nothing is
    contacted then, and the cell says whether the parts are understood as they are meant. In `variables`, ``{at}`` is
    ``user:password@host:port/name``, ``{ca}`` a file with the CA of the lab, and ``{pem}`` its text.
    """

    title: str
    variables: Mapping[str, str]
    server: str
    cells: tuple[str, ...]


CONVINCING = (
    Row(
        "no `sslmode`, and something answers that it has no TLS",
        {"DATABASE_URL": "postgresql://{at}"},
        "N",
        (IN_CLEAR, BY_DRIVER, IN_CLEAR, IN_CLEAR, IN_CLEAR, BY_DRIVER),
    ),
    Row(
        "no `sslmode`, and a server without TLS",
        {"DATABASE_URL": "postgresql://{at}"},
        "notls",
        (UNENCRYPTED, BY_DRIVER, UNENCRYPTED, UNENCRYPTED, UNENCRYPTED, BY_DRIVER),
    ),
    Row(
        "`?sslmode=`, from a template whose variable is not set",
        {"DATABASE_URL": "postgresql://{at}?sslmode="},
        "N",
        (IN_CLEAR, BY_DRIVER, IN_CLEAR, IN_CLEAR, BY_DRIVER, AT_START),
    ),
    Row(
        "`#sslmode=verify-full`",
        {"DATABASE_URL": "postgresql://{at}#sslmode=verify-full"},
        "N",
        (IN_CLEAR, BY_DRIVER, IN_CLEAR, IN_CLEAR, IN_CLEAR, AT_START),
    ),
    Row(
        "`?application_name=web;sslmode=verify-full`",
        {"DATABASE_URL": "postgresql://{at}?application_name=web;sslmode=verify-full"},
        "N",
        (IN_CLEAR, BY_DRIVER, IN_CLEAR, IN_CLEAR, BY_DRIVER, AT_START),
    ),
    Row(
        "`PGSSLMODE=disable` beside it",
        {"DATABASE_URL": "postgresql://{at}", "PGSSLMODE": "disable"},
        "N",
        (IN_CLEAR, BY_DRIVER, IN_CLEAR, IN_CLEAR, IN_CLEAR, BY_DRIVER),
    ),
    Row(
        "`?sslmode=disable`",
        {"DATABASE_URL": "postgresql://{at}?sslmode=disable"},
        "N",
        (IN_CLEAR, BY_DRIVER, IN_CLEAR, IN_CLEAR, IN_CLEAR, AT_START),
    ),
    Row(
        "a CA in `sslrootcert`, no `sslmode`, and a certificate of another CA",
        {"DATABASE_URL": "postgresql://{at}?sslrootcert={ca}"},
        "both_unknownca",
        (UNENCRYPTED, BY_DRIVER, UNENCRYPTED, UNENCRYPTED, UNENCRYPTED, BY_DRIVER),
    ),
    Row(
        "`verify-full`, and a certificate for another host",
        {"DATABASE_URL": "postgresql://{at}?sslmode=verify-full&sslrootcert={ca}"},
        "wronghost",
        (BY_DRIVER, ANOTHER, BY_DRIVER, BY_DRIVER, BY_DRIVER, BY_DRIVER),
    ),
    Row(
        "the value has quotes",
        {"DATABASE_URL": '"postgresql://{at}"'},
        "",
        (AT_START, AT_START, f"{NOTHING}, {LEAKS}", AT_START, f"{AT_START}, {LEAKS}", AT_START),
    ),
    Row(
        "`/` in the password, not encoded",
        {"DATABASE_URL": "postgresql://app:12/34@db.example.com/app"},
        "",
        (
            f"{MISREAD}: host app",
            f"{MISREAD}: host app",
            f"{MISREAD}: host app",
            f"{MISREAD}: host app",
            f"{MISREAD}: host app",
            AT_START,
        ),
    ),
)
OTHERS = (
    Row(
        "`verify-full`, and the right certificate",
        {"DATABASE_URL": "postgresql://{at}?sslmode=verify-full&sslrootcert={ca}"},
        "good",
        (TLS, TLS, TLS, TLS, TLS, TLS),
    ),
    Row(
        "`?sslmode=require`",
        {"DATABASE_URL": "postgresql://{at}?sslmode=require"},
        "good",
        (TLS, TLS, TLS, TLS, TLS, TLS),
    ),
    Row(
        "`verify-full`, and the text of the CA in `DATABASE_CA_CERT`",
        {"DATABASE_URL": "postgresql://{at}?sslmode=verify-full", "DATABASE_CA_CERT": "{pem}"},
        "good",
        (BY_DRIVER, TLS, BY_DRIVER, BY_DRIVER, BY_DRIVER, TLS),
    ),
    Row(
        "`sslmode` twice, `verify-full` and then `disable`",
        {"DATABASE_URL": "postgresql://{at}?sslmode=verify-full&sslmode=disable"},
        "N",
        (BY_DRIVER, BY_DRIVER, BY_DRIVER, BY_DRIVER, IN_CLEAR, AT_START),
    ),
    Row(
        "`?sslmode=requierd`",
        {"DATABASE_URL": "postgresql://{at}?sslmode=requierd"},
        "good",
        (BY_DRIVER, TLS, BY_DRIVER, BY_DRIVER, BY_DRIVER, AT_START),
    ),
    Row(
        "`?ssl=true`",
        {"DATABASE_URL": "postgresql://{at}?ssl=true"},
        "good",
        (BY_DRIVER, BY_DRIVER, BY_DRIVER, BY_DRIVER, TLS, TLS),
    ),
    Row(
        "`?currentSchema=public`",
        {"DATABASE_URL": "postgresql://{at}?currentSchema=public"},
        "good",
        (TLS, TLS, BY_DRIVER, TLS, BY_DRIVER, TLS),
    ),
    Row("a newline at the end", {"DATABASE_URL": "postgresql://{at}\n"}, "", (GOOD, GOOD, GOOD, GOOD, GOOD, GOOD)),
    Row("a blank at the start", {"DATABASE_URL": " postgresql://{at}"}, "", (GOOD, GOOD, GOOD, GOOD, GOOD, GOOD)),
    Row(
        "`postgersql://`",
        {"DATABASE_URL": "postgersql://{at}"},
        "",
        (AT_START, AT_START, BY_DRIVER, AT_START, f"{AT_START}, {LEAKS}", AT_START),
    ),
    Row(
        "`postgresql+psycopg://`",
        {"DATABASE_URL": "postgresql+psycopg://{at}"},
        "",
        (AT_START, AT_START, BY_DRIVER, AT_START, f"{BY_DRIVER}, {LEAKS}", GOOD),
    ),
    Row(
        "`@` in the password, not encoded",
        {"DATABASE_URL": "postgresql://app:p@ss@db.example.com/app"},
        "",
        (GOOD, GOOD, GOOD, GOOD, GOOD, AT_START),
    ),
    Row(
        "`%` in the password, not encoded",
        {"DATABASE_URL": "postgresql://app:p%ss@db.example.com/app"},
        "",
        (GOOD, GOOD, GOOD, GOOD, f"{BY_DRIVER}, {LEAKS}", AT_START),
    ),
    Row(
        "`#` in the password, not encoded",
        {"DATABASE_URL": "postgresql://app:pa#ss@db.example.com/app"},
        "",
        (AT_START, AT_START, GOOD, AT_START, f"{AT_START}, {LEAKS}", AT_START),
    ),
    Row(
        "`?` in the password, not encoded",
        {"DATABASE_URL": "postgresql://app:pa?ss@db.example.com/app"},
        "",
        (AT_START, AT_START, AT_START, AT_START, f"{AT_START}, {LEAKS}", AT_START),
    ),
    Row(
        "no database name",
        {"DATABASE_URL": "postgresql://{user}@db.example.com"},
        "",
        (BY_DRIVER, BY_DRIVER, BY_DRIVER, BY_DRIVER, GOOD, GOOD),
    ),
    Row("an empty `DATABASE_URL`", {"DATABASE_URL": ""}, "", (NOTHING, NOTHING, NOTHING, AT_START, AT_START, AT_START)),
    Row(
        "only `SCALINGO_POSTGRESQL_URL`",
        {"SCALINGO_POSTGRESQL_URL": "postgresql://{at}"},
        "",
        (NOTHING, NOTHING, AT_START, AT_START, AT_START, GOOD),
    ),
    Row(
        "`DATABASE_URL=$SCALINGO_POSTGRESQL_URL`",
        {"SCALINGO_POSTGRESQL_URL": "postgresql://{at}", "DATABASE_URL": "$SCALINGO_POSTGRESQL_URL"},
        "",
        (AT_START, AT_START, GOOD, AT_START, AT_START, GOOD),
    ),
    Row(
        "`DB_HOST`, `DB_USER`, `DB_PASSWORD`, `DB_NAME`",
        {"DB_HOST": "db.example.com", "DB_USER": "app", "DB_PASSWORD": "{password}", "DB_NAME": "app"},
        "",
        (NOTHING, NOTHING, AT_START, AT_START, AT_START, GOOD),
    ),
    Row(
        "two variables with different databases",
        {"SCALINGO_POSTGRESQL_URL": "postgresql://{at}", "DATABASE_URL": "postgresql://{at}2"},
        "",
        (GOOD, GOOD, GOOD, GOOD, GOOD, AT_START),
    ),
    Row("SQLite", {"DATABASE_URL": "sqlite:///app.db"}, "", (GOOD, BY_DRIVER, GOOD, GOOD, AT_START, GOOD)),
)
TABLE = (*CONVINCING, *OTHERS)


def worker() -> None:
    """Read cases from stdin, and write what becomes of each to stdout: names of readers, and their environments."""
    import django.conf

    django.conf.settings.configure()
    cases: list[tuple[str, dict[str, str], bool]] = json.load(sys.stdin)
    json.dump([_tried(reader, variables, contact=contact) for reader, variables, contact in cases], sys.stdout)


def _tried(reader: str, variables: dict[str, str], *, contact: bool) -> dict[str, Any]:
    os.environ.clear()
    os.environ.update(variables)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        said: dict[str, Any] = {"stage": "start"}
        try:
            read = _READ[reader]()
            said |= {"stage": "driver"}
            said |= {"parts": _parts(read)}
            tls = _connects(read, contact=contact) if read else None
            said |= {"stage": "connected" if contact else "driver", "tls": tls}
        except Exception:  # noqa: BLE001 - whatever it is, it is what its user sees
            said["error"] = traceback.format_exc(chain=True)
    return {**said, "warnings": " ".join(str(each.message) for each in warned)}


def _dj_database_url() -> object:
    import dj_database_url

    return dj_database_url.config()


def _ssl_require() -> object:
    import dj_database_url

    return dj_database_url.config(ssl_require=True)


def _django_environ() -> object:
    import environ

    return environ.Env().db()


def _environs() -> object:
    from environs import Env

    return Env().dj_db_url("DATABASE_URL")


def _pydantic_settings() -> object:
    from pydantic import PostgresDsn  # noqa: TC002 - pydantic reads the annotation
    from pydantic_settings import BaseSettings

    class Settings(BaseSettings):
        database_url: PostgresDsn

    return str(Settings().database_url)  # type: ignore[call-arg]


def _envconn() -> object:
    from envconn_django import databases

    return databases()["default"]


_READ: Mapping[str, Callable[[], object]] = dict(
    zip(
        READERS,
        (_dj_database_url, _ssl_require, _django_environ, _environs, _pydantic_settings, _envconn),
        strict=True,
    )
)


def _parts(read: Any) -> list[str]:
    """Return host, user, password and database name, as the driver would get them."""
    if isinstance(read, str):
        from psycopg.conninfo import conninfo_to_dict

        found = conninfo_to_dict(read)
        return [str(found.get(name) or "") for name in ("host", "user", "password", "dbname")]
    return [str(read.get(name) or "") for name in ("HOST", "USER", "PASSWORD", "NAME")] if read else []


def _connects(read: Any, *, contact: bool) -> bool:
    """Make the driver's arguments, connect if `contact` is true, and return whether TLS is used."""
    import psycopg
    from django.db.utils import ConnectionHandler

    if isinstance(read, str):
        connected = psycopg.connect(read) if contact else None
    else:
        backend = ConnectionHandler({"default": read})["default"]
        arguments = backend.get_connection_params()
        connected = backend.get_new_connection(arguments) if contact or backend.vendor == "sqlite" else None
    tls = isinstance(connected, psycopg.Connection) and bool(connected.pgconn.ssl_in_use)
    if connected is not None:
        connected.close()
    return tls


if __name__ == "__main__":
    worker()
