"""What is masked is not there, in no format, for no kind of service, and does not connect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import envconn
from envconn.export import FORMATS, MASK, environment, masked, render, with_ca_at
from envconn.records import replace
from leaks import MARKER, find, value_surfaces

if TYPE_CHECKING:
    from envconn import SecuredConnection
    from envconn.export import FormatName
    from throwaway.certificates import Certificates

OTHER = "a"


def connections(certificates: Certificates, secret: str) -> list[SecuredConnection]:
    """One of each kind, and one of PostgreSQL's with every secret that libpq knows."""
    key = f"{certificates.good.chain}|{certificates.good.key}|{secret}"
    pg = "sslcert={}&sslkey={}&sslpassword={}".format(*key.split("|"))
    oauth = f"oauth_issuer=i&oauth_client_id=c&oauth_client_secret={secret}"
    urls = {
        "DATABASE_URL": f"postgresql://app:{secret}@db.example/d?sslmode=require",
        "KEY_DATABASE_URL": f"postgresql://app:{secret}@db.example/d?sslmode=require&{pg}",
        "OAUTH_DATABASE_URL": f"postgresql://app@db.example/d?sslmode=require&{oauth}&scram_client_key={secret}",
        "MY_DATABASE_URL": f"mysql://app:{secret}@db.example/d?ssl-mode=REQUIRED",
        "REDIS_URL": f"rediss://app:{secret}@r.example/0?ssl_cert_reqs=none&ssl_password={secret}&"
        f"ssl_certfile={certificates.good.chain}&ssl_keyfile={certificates.good.key}",
        "AMQP_URL": f"amqps://app:{secret}@mq.example/v?verify=verify_none&password={secret}&"
        f"certfile={certificates.good.chain}&keyfile={certificates.good.key}",
    }
    return list(envconn.load(urls, env_file=None).values())


def written(connection: SecuredConnection, name: FormatName, *, mask: bool) -> str | None:
    try:
        return render(connection, name, libpq=18_00_00, mask=mask)
    except envconn.ConfigurationError:
        return None


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_secret_is_written(certificates: Certificates, name: FormatName) -> None:
    shown = 0
    for connection, other in zip(connections(certificates, MARKER), connections(certificates, OTHER), strict=True):
        text = written(connection, name, mask=True)
        assert (text is None) is (written(connection, name, mask=False) is None), "a mask hides no refusal"
        if text is None:
            continue
        assert not find(MARKER, {"text": str(text)})
        assert text == written(other, name, mask=True), "neither is its length, nor what it needs in quotes"
        shown += (MASK in text) and (MARKER in str(written(connection, name, mask=False)))
        assert name == "pg_service" or MASK in text
    assert shown or name == "pg_service", "there was something to mask"


@pytest.mark.parametrize("name", ["jdbc", "pg"])
def test_refusals_hold_no_secret(certificates: Certificates, name: FormatName) -> None:
    for connection in connections(certificates, MARKER)[1:]:
        with pytest.raises(envconn.ConfigurationError) as refused:
            render(connection, name)
        assert not find(MARKER, value_surfaces(refused.value))


@pytest.mark.parametrize("mask", [True, False])
def test_what_is_written_hides_itself(certificates: Certificates, mask: bool) -> None:  # noqa: FBT001 - both
    for connection in connections(certificates, MARKER):
        text = render(connection, "dotenv", mask=mask)
        assert not find(MARKER, {"repr": repr(text), "in a list": repr([text]), "in a tuple": f"{(text,)}"})
        assert (MARKER in text) is not mask


def test_direct_endpoint_is_masked_with_a_password_of_its_own() -> None:
    environ = {
        "DATABASE_URL": f"postgresql://app:{OTHER}@ep-a-b-123456-pooler.eu-central-1.aws.neon.tech/d?sslmode=require",
        "DIRECT_URL": f"postgresql://app:{MARKER}@ep-a-b-123456.eu-central-1.aws.neon.tech/d?sslmode=require",
    }
    connection = envconn.load(environ, env_file=None).database
    assert f"DIRECT_URL='postgresql://app:{MARKER}@" in render(connection, "prisma")
    assert f"DIRECT_URL='postgresql://app:{MASK}@" in render(connection, "prisma", mask=True)
    assert masked(connection).siblings == ()


def test_no_password_is_not_masked() -> None:
    connection = envconn.secure(envconn.parse("postgresql://app@db.example/d"))
    assert MASK not in render(connection, "dotenv", mask=True)
    assert masked(connection).password is None


def test_verdict_stays(certificates: Certificates) -> None:
    connection = envconn.secure(
        envconn.parse(f"postgresql://app:x@db.example/d?sslmode=verify-full&sslrootcert={certificates.ca}")
    )
    assert masked(connection).tls == connection.tls
    moved = with_ca_at(connection, "/there").tls
    assert moved.ca is not None
    assert (moved.ca.file(), replace(moved, ca=None)) == ("/there", replace(connection.tls, ca=None))
    assert connection.tls.ca is not None
    assert connection.tls.ca.file() == str(certificates.ca), "the one that was judged is another value"


@pytest.mark.parametrize("change", [masked, lambda value: with_ca_at(value, "/x"), environment])
def test_of_judged_connections_only(change: object) -> None:
    with pytest.raises(TypeError, match="SecuredConnection"):
        change(envconn.parse("postgresql://app@db.example/d"))  # type: ignore[operator]


def test_environment_values_are_plain() -> None:
    connection = envconn.secure(envconn.parse(f"postgresql://app:{MARKER}@db.example/d"))
    assert environment(connection).values["PGPASSWORD"] == MARKER
    assert not find(MARKER, value_surfaces(environment(connection))), "printing it shows no password"
