"""The words of ``ENVCONN_AUTH``: what makes the tokens of each, which endpoints accept them, and for how long."""

from __future__ import annotations

from envconn.families import POSTGRESQL
from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Method(Record):
    """One way to log in by an identity.

    `library` is the distribution that makes the tokens, and `extra` the extra of envconn that installs it; `module`
    makes one, in this package. `endpoints` has the name of the provider whose hosts accept them, by family, and
    `endpoint` what they are in messages. `lifetime` is how many seconds a token is accepted, at most. `sources` are
    what the names of the variables with the identity begin with. `refused` says what to check if a server refuses one.
    """

    library: str
    extra: str
    module: str
    endpoints: Mapping[str, str]
    endpoint: str
    lifetime: int
    sources: tuple[str, ...]
    refused: str


METHODS: Mapping[str, Method] = {
    "aws-iam": Method(
        library="botocore",
        extra="aws",
        module="aws",
        endpoints={POSTGRESQL: "aws-rds"},
        endpoint="an endpoint of Amazon RDS",
        lifetime=900,  # fixed in botocore's generate_db_auth_token; RDS accepts no longer one
        sources=("AWS_",),
        refused="Run GRANT rds_iam TO the user, allow rds-db:connect for it in IAM",
    ),
}
"""The words of ``ENVCONN_AUTH``, and what each needs."""

PASSWORD = "password"  # noqa: S105 - a word of ENVCONN_AUTH
"""The word with which a service has its password after all."""


class Target(Record):
    """What a token is for: the endpoint by the name that its provider knows, and the user."""

    word: str
    host: str
    port: int
    user: str
    region: str
