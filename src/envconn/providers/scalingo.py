"""Scalingo for PostgreSQL, shared and dedicated resources."""

from envconn.providers.record import Certificates, Provider, Variable

SCALINGO = Provider(
    name="scalingo",
    title="Scalingo",
    suffixes=("scalingo-dbs.com", "dbs.scalingo.com"),
    hosts=(
        r"[a-z0-9-]+\.(?:peering\.)?postgresql\.(?:[a-z]\.)?(?P<region>[a-z]+-[a-z0-9-]+)\.scalingo-dbs\.com",
        r"[a-z0-9-]+\.postgresql\.dbs\.scalingo\.com",
    ),
    variables=(
        Variable("SCALINGO_POSTGRESQL_URL"),
        Variable("SCALINGO_POSTGRESQL_PUBLIC_RW_URL"),
        Variable("SCALINGO_POSTGRESQL_PRIVATE_PEERING_RW_URL"),
        Variable("SCALINGO_POSTGRESQL_ALCHEMY_URL"),
    ),
    pooled=False,
    replica=False,
    certificates=Certificates(
        sslmode="verify-ca",
        ca="/usr/share/ca-certificates/Scalingo/scalingo-database.pem",
        remedy="download the region's CA (/api/ca_certificate of its database API) and name it in DATABASE_CA_CERT",
    ),
    source="Scalingo documentation: databases/postgresql, connecting; includes/db_ca_endpoints",
    checked="2026-08-21",
)
