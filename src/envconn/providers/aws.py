"""Amazon: RDS and Aurora (instances, cluster endpoints, RDS Proxy), and ElastiCache.

Instances and clusters have certificates of Amazon's own CA for databases, whose roots for each region are in
``roots/aws-rds``, RDS Proxy of its public one. In China the domain ends in ``.com.cn``.
"""

from envconn.providers.record import Certificates, Pooler, Provider, Rewrite

_PLACE = r"[a-z0-9]{10,14}\.(?P<region>[a-z0-9-]+)\.rds\.amazonaws\.com(?:\.cn)?"
_PRIVATE_CA = Certificates(
    sslmode="verify-full",
    ca="",
    remedy=(
        "Download the bundle of the region from truststore.pki.rds.amazonaws.com (GovCloud: "
        "truststore.pki.us-gov-west-1.rds.amazonaws.com), and name the file in DATABASE_CA_CERT"
    ),
    roots="aws-rds",
)
_PUBLIC_CA = Certificates(
    sslmode="verify-full", ca="system", remedy="Use sslmode=verify-full&sslrootcert=system: the CA is a public one"
)
_NO_POOLER = "RDS Proxy has its own host. Copy it from the console into DATABASE_CONNECTION_POOL_URL"
_SOURCE = "public repositories"

_REGIONS = {
    "use1": "us-east-1",
    "use2": "us-east-2",
    "usw1": "us-west-1",
    "usw2": "us-west-2",
    "cac1": "ca-central-1",
    "euw1": "eu-west-1",
    "euw2": "eu-west-2",
    "euw3": "eu-west-3",
    "euc1": "eu-central-1",
    "eun1": "eu-north-1",
    "apne1": "ap-northeast-1",
    "apne2": "ap-northeast-2",
    "apse1": "ap-southeast-1",
    "apse2": "ap-southeast-2",
    "aps1": "ap-south-1",
    "sae1": "sa-east-1",
}
"""The regions by the codes in the names of ElastiCache's endpoints."""

AWS_RDS = Provider(
    name="aws-rds",
    title="Amazon RDS",
    hosts=(rf"[a-z0-9-]+\.{_PLACE}", rf"[a-z0-9-]+\.cluster-custom-{_PLACE}"),
    pooled=False,
    cloud="aws",
    siblings={
        "pooled": _NO_POOLER,
        "replica": "a read replica has its own host. Set DATABASE_REPLICA_URL to its URL",
    },
    certificates=_PRIVATE_CA,
    source=_SOURCE,
    checked="2026-08-21",
)
"""An instance may be a read replica, and a custom endpoint anything: the name does not show it."""

AWS_AURORA = Provider(
    name="aws-rds",
    title="Amazon Aurora cluster endpoints",
    hosts=(rf"[a-z0-9-]+\.cluster-(?P<replica>ro-)?{_PLACE}",),
    pooled=False,
    replica=False,
    cloud="aws",
    siblings={
        "pooled": _NO_POOLER,
        "replica": Rewrite(host=(r"\.cluster-(?:ro-)?", ".cluster-ro-")),
        "primary": Rewrite(host=(r"\.cluster-ro-", ".cluster-")),
    },
    certificates=_PRIVATE_CA,
    source=_SOURCE,
    checked="2026-08-21",
)

AWS_RDS_PROXY = Provider(
    name="aws-rds",
    title="Amazon RDS Proxy",
    hosts=(rf"[a-z0-9-]+\.proxy-{_PLACE}", rf"[a-z0-9-]+\.endpoint\.proxy-{_PLACE}"),
    pooled=True,
    pool_mode="transaction",
    cloud="aws",
    # A prepared statement works, but reserves its server connection for the client ("pinning").
    pooler=Pooler(prepared_statements=False),
    siblings={
        "direct": "the database has its own host. Set DIRECT_URL to its URL",
        "replica": "a read-only proxy endpoint has its own host. Set DATABASE_REPLICA_URL to its URL",
    },
    certificates=_PUBLIC_CA,
    source=_SOURCE,
    checked="2026-08-21",
)

AWS_ELASTICACHE = Provider(
    name="aws-elasticache",
    title="Amazon ElastiCache",
    families=("redis",),
    hosts=(
        r"(?:master|replica|clustercfg)\.[a-z0-9-]+\.[a-z0-9]+\.(?P<region>[a-z0-9]+)\.cache\.amazonaws\.com",
        r"[a-z0-9-]+-[a-z0-9]{6}\.(?:public\.)?serverless\.(?P<region>[a-z0-9]+)\.cache\.amazonaws\.com",
    ),
    regions=_REGIONS,
    cloud="aws",
    certificates=Certificates(
        sslmode="verify-full",
        ca="system",
        remedy="Use rediss:// and the system's CAs: the CA is a public one",
    ),
    source="general knowledge, not confirmed",
    checked="2026-08-21",
)

RECORDS = (AWS_RDS, AWS_AURORA, AWS_RDS_PROXY, AWS_ELASTICACHE)
