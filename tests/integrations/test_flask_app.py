"""examples/flask_app, released and served as on PlanetScale: through its pooler, and past it for the tables."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

import deployed
from edges import PLANETSCALE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edges import Edge
    from throwaway.certificates import Certificates
    from throwaway.server import Server

pytestmark = pytest.mark.application

APP = deployed.EXAMPLES / "flask_app"
BAD = "postgresql://app:marker-password@aws-us-east-1-1.pg.psdb.cloud:6432/postgres?sslmode=disable"


def count_visits(uri: str) -> None:
    port = deployed.free_port()
    environ = deployed.environment(DATABASE_URL=uri, PORT=str(port))
    released = deployed.run(deployed.procfile(APP)["release"], APP, environ)
    assert released.returncode == 0, released.stderr
    with deployed.serving(deployed.procfile(APP)["web"], APP, environ):
        for number in (1, 2):
            assert deployed.fetched(port) == {"visits": number, "ssl": True, "version": "TLSv1.3"}


def test_the_application_as_deployed(private: Server, certificates: Certificates) -> None:
    count_visits(private.uri(sslmode="verify-full", sslrootcert=str(certificates.ca)))


def test_the_application_behind_the_pooler(planetscale_like: Edge) -> None:
    with schema_of_its_own(planetscale_like):
        count_visits(planetscale_like.uri(PLANETSCALE, pooled=True))


@contextmanager
def schema_of_its_own(edge: Edge) -> Iterator[None]:
    """Let the application's role make tables; the server is everybody's, so none stay."""
    name = psycopg.sql.Identifier(next(iter(edge.users)))
    server = edge.server.uri(host=edge.server.address, **edge.parameters)
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(psycopg.sql.SQL("create schema authorization {}").format(name))
        try:
            yield
        finally:
            admin.execute(psycopg.sql.SQL("drop schema {} cascade").format(name))


@pytest.mark.parametrize("process", ["release", "web"])
@pytest.mark.parametrize("uri", [BAD, "", "postgresql://:marker-password@db.example.com/app"])
def test_the_application_does_not_boot_with_a_bad_environment(process: str, uri: str) -> None:
    environ = deployed.environment(DATABASE_URL=uri, PORT="1")
    done = deployed.run(deployed.procfile(APP)[process], APP, environ)
    assert done.returncode == 78
    assert "DATABASE_URL: " in done.stderr
    assert "marker-password" not in done.stderr
