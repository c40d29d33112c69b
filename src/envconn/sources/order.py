"""Every source of connection strings, in order of precedence. docs/sources.md is generated from this list."""

from __future__ import annotations

from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn.connection import Origin


class Source(Record):
    """One kind of source.

    `word` is its name in `Origin.source`, `title` its name in messages. `switches` are the variables of
    which each turns it on; empty if it is always on. `meaning` says what is read there.
    """

    word: str
    title: str
    switches: tuple[str, ...]
    meaning: str


SOURCES = (
    Source("environment", "the process environment", (), "Variables of the process."),
    Source(
        "file",
        "a file that NAME_FILE names",
        (),
        "The value of `NAME`. `NAME` itself, in any place down to `app-service`, has to hold the same.",
    ),
    Source(
        "secrets",
        "ENVCONN_SECRETS_DIR",
        ("ENVCONN_SECRETS_DIR",),
        "Files named like variables, in the directories that it names, separated by colons, the first one wins: "
        "`/run/secrets` of Docker and Podman, a mounted Secret of Kubernetes.",
    ),
    Source(
        "credentials",
        "CREDENTIALS_DIRECTORY",
        ("CREDENTIALS_DIRECTORY",),
        "Files named like variables, in the directory systemd makes for a unit with `LoadCredential=` or the like.",
    ),
    Source(
        "program",
        "what the program fetched",
        (),
        "Texts that a program passes. The sources of pydantic-settings that `envconn.Settings` is given have words of "
        "their own ([docs/settings.md](settings.md)).",
    ),
    Source(
        "app-service",
        "a connection string of App Service",
        (),
        "`POSTGRESQLCONNSTR_NAME`, `MYSQLCONNSTR_NAME` and `CUSTOMCONNSTR_NAME` of Azure App Service, where `NAME` is "
        "a variable that is read.",
    ),
    Source("dotenv", ".env", (), "Assignments in the `.env` file, or in the files that are named instead."),
    Source(
        "binding",
        "SERVICE_BINDING_ROOT",
        ("SERVICE_BINDING_ROOT",),
        "A directory for each bound service, by the Service Binding Specification.",
    ),
    Source(
        "vcap",
        "VCAP_SERVICES",
        ("VCAP_SERVICES", "VCAP_SERVICES_FILE_PATH"),
        "The bound services of Cloud Foundry, as JSON; `VCAP_SERVICES_FILE_PATH` names a file with it.",
    ),
    Source(
        "relationship",
        "PLATFORM_RELATIONSHIPS",
        ("PLATFORM_RELATIONSHIPS", "PLATFORM_PROJECT"),
        "The relationships of Upsun and Platform.sh: base64 of JSON; and `NAME_HOST`, `NAME_SCHEME` and the like where "
        "`PLATFORM_PROJECT` is set.",
    ),
    Source(
        "connstr",
        "POSTGRESQLCONNSTR_*",
        (),
        "The other `POSTGRESQLCONNSTR_NAME` and `MYSQLCONNSTR_NAME`: a bound database called `name`.",
    ),
)

BOUND_SERVICE_VARIABLES = tuple(
    variable for source in SOURCES for variable in source.switches if source.word in {"binding", "vcap", "relationship"}
)
"""The variables that lead to services bound by a platform."""

FETCHED: Mapping[str, str] = {
    "aws-secrets-manager": "AWS Secrets Manager",
    "aws-parameter-store": "AWS Parameter Store",
    "azure-key-vault": "Azure Key Vault",
    "google-secret-manager": "Google Secret Manager",
    "secrets-directory": "a directory of secrets",
    "settings-file": "a file of settings",
    "settings-source": "a source of settings",
}
"""Sources of settings that `envconn.Settings` reads, which can replace ``program``: the title of each word."""

_TITLES = {**FETCHED, **{source.word: source.title for source in SOURCES}}


def title(word: str) -> str:
    """Return the name of the source `word` for messages."""
    return _TITLES.get(word, _TITLES["program"])


def place(origin: Origin) -> str:
    """Return the name of `origin` for messages: the title of its source, and which secret it was."""
    name = title(origin.source)
    return f"{name} {origin.path}" if origin.source in FETCHED and origin.path else name
