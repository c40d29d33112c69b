"""Google Cloud SQL, through the sockets of its proxy. Over TCP it has only an IP address: set ``ENVCONN_PROVIDER``."""

from envconn.providers.record import Certificates, Provider

GCP_CLOUDSQL = Provider(
    name="gcp-cloudsql",
    title="Google Cloud SQL",
    hosts=(r"/cloudsql/(?:[a-z0-9-]+(?:\.[a-z0-9-]+)+:)?[a-z0-9-]+:(?P<region>[a-z0-9-]+):[a-z0-9-]+",),
    pooled=False,
    cloud="gcp",
    siblings={
        "pooled": "managed pooling uses another port of the instance. Set DATABASE_CONNECTION_POOL_URL to it",
        "replica": "a replica is a separate instance. Set DATABASE_REPLICA_URL to its socket",
    },
    certificates=Certificates(
        sslmode="verify-ca", ca="", remedy="Download the instance's server CA, and name the file in DATABASE_CA_CERT"
    ),
    source="Cloud SQL proxy: sockets at /cloudsql/PROJECT:REGION:INSTANCE; public repositories",
    checked="2026-08-21",
)
"""The proxy encrypts behind its socket; a certificate names the instance, which is not a hostname."""

RECORDS = (GCP_CLOUDSQL,)
