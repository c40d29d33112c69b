"""CloudAMQP: RabbitMQ, directly or as an add-on of other platforms."""

from envconn.providers.record import Certificates, Provider

CLOUDAMQP = Provider(
    name="cloudamqp",
    title="CloudAMQP",
    families=("amqp",),
    hosts=(r"[a-z0-9-]+\.rmq[0-9]*\.cloudamqp\.com",),
    certificates=Certificates(
        sslmode="verify-full",
        ca="system",
        remedy="Use amqps:// and the system's CAs: the CA is a public one",
    ),
    source="public repositories",
    checked="2026-08-21",
)

RECORDS = (CLOUDAMQP,)
