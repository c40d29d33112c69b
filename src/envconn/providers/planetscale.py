"""PlanetScale Postgres. Port and user name choose the endpoint, not the host."""

from envconn.providers.record import Certificates, Provider

PLANETSCALE = Provider(
    name="planetscale",
    title="PlanetScale Postgres",
    suffixes=("psdb.cloud",),
    hosts=(
        r"[a-z0-9]{10,}-(?P<region>[a-z0-9]+)-\d+\.horizon\.psdb\.cloud",
        r"(?P<region>(?:aws-|gcp-)?[a-z]+(?:-[a-z0-9]+)*?)-\d+\.pg\.psdb\.cloud",
        r"(?:[a-z0-9-]+\.)?(?P<region>(?:aws-|gcp-)?[a-z]+(?:-[a-z0-9]+)*?)-\d+\.private-pg\.psdb\.cloud",
        r"[a-z0-9-]+\.private-pg\.psdb\.cloud",
    ),
    users=r"(?P<role>.+)\.(?P<branch>[a-z0-9]+)(?:\|(?P<target>.+))?",
    ports={5432: False, 6432: True},
    pool_mode="transaction",
    replica=False,
    replica_target="replica",
    certificates=Certificates(
        sslmode="verify-full", ca="system", remedy="write sslmode=verify-full&sslrootcert=system"
    ),
    source="PlanetScale documentation: postgres/connecting, quickstart, roles, pgbouncer",
    checked="2026-08-21",
)
