"""PlanetScale's MySQL product (Vitess): the domain of PlanetScale Postgres, and another protocol."""

from envconn.providers.record import Certificates, Provider

PLANETSCALE_VITESS = Provider(
    name="planetscale-vitess",
    title="PlanetScale Vitess",
    families=("mysql",),
    hosts=(r"(?P<region>[a-z0-9-]+)\.(?:private-)?connect\.psdb\.cloud",),
    certificates=Certificates(
        sslmode="verify-full", ca="system", remedy="verify with the system's CAs: the CA is a public one"
    ),
    enforces_tls=True,
    source="PlanetScale documentation: Vitess",
    checked="2026-08-21",
)

RECORDS = (PLANETSCALE_VITESS,)
