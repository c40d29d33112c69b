"""Formats for deployment: a line of a ``.env`` file, and the manifest of a Kubernetes Secret.

They hold the URL that every parser of its family reads alike (`envconn.tls.uri_writer`), in the variable that
envconn reads. It contains only letters, digits and ``-._~:/?@&=,[]%``, so that no reader can mistake a part of it
for a quote, a comment or a variable.
"""

from __future__ import annotations

from envconn.families import FAMILIES, POSTGRESQL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.export.target import ExportRequest
    from envconn.tls import SecuredConnection


def dotenv(request: ExportRequest) -> str:
    """Return one assignment that python-dotenv, Docker Compose, Node, Ruby and a shell read alike."""
    return f"{_prefix(request.connection)}_URL='{request.connection.uri().reveal()}'\n"


def kubernetes(request: ExportRequest) -> str:
    """Return the manifest of a Secret: the URL; for PostgreSQL the parts, too; and the CA if it is text here.

    A pod reads it with ``envFrom``, or mounts it and sets ``DATABASE_URL_FILE`` to a file. The path of the CA is that
    in the pod: ``ca.crt`` in the directory where the Secret is mounted.
    """
    connection = request.connection
    data = {f"{_prefix(connection)}_URL": connection.uri().reveal(), **_parts(connection)}
    if connection.tls.ca and connection.tls.ca.pem:
        data["ca.crt"] = connection.tls.ca.pem
    name = connection.name.replace("_", "-").strip("-") or "database"
    lines = [
        "apiVersion: v1",
        "kind: Secret",
        "metadata:",
        f"  name: {name}",
        "type: Opaque",
        "stringData:",
        *(f"  {key}: {_scalar(value)}" for key, value in data.items()),
    ]
    return "\n".join(lines) + "\n"


def _prefix(connection: SecuredConnection) -> str:
    """Return the variable that envconn reads for a service of this name and kind, without ``_URL``."""
    name = connection.name.upper()
    if name == "DATABASE" or name.lower() in set(FAMILIES[connection.family].services) - {"database"}:
        return name
    return f"{name}_DATABASE"


def _parts(connection: SecuredConnection) -> dict[str, str]:
    """Return the parts of a PostgreSQL connection. The parts of other families say nothing about TLS."""
    if connection.family != POSTGRESQL:
        return {}
    parts = {
        "HOST": ",".join(host.host for host in connection.hosts),
        "PORT": ",".join(str(host.port) for host in connection.hosts),
        "NAME": connection.dbname,
        "USER": connection.user,
        "PASSWORD": connection.password.reveal() if connection.password else "",
        "SSLMODE": connection.tls.level.sslmode,
        "SSLROOTCERT": connection.tls.ca.file_on_disk() if connection.tls.ca else "",
    }
    return {f"{_prefix(connection)}_{name}": value for name, value in parts.items() if value}


def _scalar(value: str) -> str:
    """Quote for YAML, which requires more escapes than JSON (YAML 1.2, 5.1)."""
    return '"' + "".join(_ESCAPES.get(character) or _escaped(character) for character in value) + '"'


def _escaped(character: str) -> str:
    return character if character.isprintable() else f"\\U{ord(character):08X}"


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n"}
