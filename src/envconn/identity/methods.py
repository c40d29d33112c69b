"""The words of ``ENVCONN_AUTH``: what makes the tokens of each, which endpoints accept them, and for how long."""

from __future__ import annotations

from envconn.families import POSTGRESQL, REDIS
from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Method(Record):
    """One way to log in by an identity.

    `library` is the distribution that makes the tokens, and `extra` the extra of envconn that installs it; the module
    of this package that is called like the word makes one. `providers` has the name of the provider whose servers
    accept them, by family, and `endpoint` what its hosts are in messages. `sources` are what the names of the variables
    with the identity begin with, and `files` what the library reads once: the usual path of each file, if there is one,
    by the variable that names another. `refused` says what to check if a server refuses a token, by family. `loggers`
    are the packages that log while one is made.

    `signs`: a token is for one endpoint, accepted for `lifetime` seconds; otherwise it has a `scope` (OAuth 2.0), and
    is for every server of the provider. `derived` are the families whose tokens hold a part of the endpoint's name, for
    which no other name can stand. `users` is a pattern for users, and `user` what to write instead.
    """

    library: str
    extra: str
    providers: Mapping[str, str]
    endpoint: str
    sources: tuple[str, ...]
    files: Mapping[str, str]
    refused: Mapping[str, str]
    loggers: tuple[str, ...]
    signs: bool = False
    lifetime: int = 0
    derived: tuple[str, ...] = ()
    scope: str = ""
    users: str = r".+"
    user: str = ""


METHODS: Mapping[str, Method] = {
    "aws-iam": Method(
        library="botocore",
        extra="aws",
        providers={POSTGRESQL: "aws-rds", REDIS: "aws-elasticache"},
        endpoint="an endpoint of Amazon RDS or ElastiCache",
        lifetime=900,  # fixed in botocore's generate_db_auth_token; RDS accepts no longer one
        sources=("AWS_",),
        files={"AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials", "AWS_CONFIG_FILE": "~/.aws/config"},
        refused={
            POSTGRESQL: "Run GRANT rds_iam TO the user, allow rds-db:connect for it in IAM",
            REDIS: "Add the user to the cache's user group, allow elasticache:Connect on the cache and the user in IAM",
        },
        loggers=("botocore", "urllib3"),
        signs=True,
        derived=(REDIS,),
        user="the name of a user, before the host",
    ),
    "azure-entra": Method(
        library="azure-identity",
        extra="azure",
        providers={POSTGRESQL: "azure"},
        endpoint="a server of Azure Database for PostgreSQL",
        sources=("AZURE_", "IDENTITY_", "MSI_"),
        files={"AZURE_CLIENT_CERTIFICATE_PATH": ""},
        refused={POSTGRESQL: "Create the user with pgaadauth_create_principal, named like the identity"},
        loggers=("azure", "msal", "msal_extensions", "requests", "urllib3"),
        scope="https://ossrdbms-aad.database.windows.net/.default",
    ),
    "gcp-iam": Method(
        library="google-auth",
        extra="gcp",
        providers={POSTGRESQL: "gcp-cloudsql"},
        endpoint="an instance of Google Cloud SQL",
        sources=("GOOGLE_", "GCE_", "CLOUDSDK_"),
        files={"GOOGLE_APPLICATION_CREDENTIALS": "~/.config/gcloud/application_default_credentials.json"},
        refused={POSTGRESQL: "Add the user to the instance as an IAM user, grant roles/cloudsql.instanceUser to it"},
        loggers=("google", "requests", "urllib3"),
        scope="https://www.googleapis.com/auth/sqlservice.login",
        users=r"[a-z0-9._+-]+@[a-z0-9.-]+(?<!\.gserviceaccount\.com)",
        user="the e-mail address in lower case, without .gserviceaccount.com",
    ),
}
"""The words of ``ENVCONN_AUTH``, and what each needs."""

PASSWORD = "password"  # noqa: S105 - a word of ENVCONN_AUTH
"""The word with which a service has its password after all."""


class Target(Record):
    """What a token is for: the endpoint by the name that its provider knows, and the user."""

    word: str
    family: str
    host: str
    port: int
    user: str
    region: str
