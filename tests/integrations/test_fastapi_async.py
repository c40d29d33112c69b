"""examples/fastapi_async, started by the lines of its Dockerfile, as on Neon: through the pooler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import deployed
from edges import NEON

if TYPE_CHECKING:
    from edges import Edge
    from lab import Lab
    from throwaway.certificates import Certificates

pytestmark = pytest.mark.application

SERVICE = deployed.EXAMPLES / "fastapi_async"
BAD = "postgresql://app:marker-password@ep-cool-darkness-a1b2c3d4-pooler.us-east-2.aws.neon.tech/app?sslmode=disable"


def assert_served(uri: str) -> None:
    port = deployed.free_port()
    environ = deployed.environment(DATABASE_URL=uri, UVICORN_HOST="127.0.0.1", UVICORN_PORT=str(port))
    with deployed.serving(deployed.image(SERVICE), SERVICE, environ):
        assert deployed.fetched(port) == {"ssl": True, "version": "TLSv1.3"}


def test_the_service_as_deployed(lab: Lab, certificates: Certificates) -> None:
    assert_served(lab["good"].uri(sslmode="verify-full", sslrootcert=str(certificates.ca)))


def test_the_service_behind_the_pooler(neon_like: Edge) -> None:
    assert_served(neon_like.uri(NEON.replace(".", "-pooler.", 1), pooled=True))


@pytest.mark.parametrize("uri", [BAD, "", "postgresql://:marker-password@db.example.com/app"])
def test_the_service_does_not_boot_with_a_bad_environment(uri: str) -> None:
    done = deployed.run(deployed.image(SERVICE), SERVICE, deployed.environment(DATABASE_URL=uri))
    assert done.returncode == 78
    assert "DATABASE_URL: " in done.stderr
    assert "marker-password" not in done.stderr


def test_the_service_stops_where_the_server_is_not_the_one_that_was_meant(lab: Lab, certificates: Certificates) -> None:
    uri = lab["unknownca"].uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    port = str(deployed.free_port())
    done = deployed.run(deployed.image(SERVICE), SERVICE, deployed.environment(DATABASE_URL=uri, UVICORN_PORT=port))
    assert done.returncode == 76
    assert "[certificate-untrusted]" in done.stderr
    assert lab["unknownca"].password not in done.stderr
