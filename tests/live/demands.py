"""What is tried in `test_never_weaker`: texts, environments, and servers after those of libpq's own tests.

Values in braces name `Files`. The servers are modelled on src/test/ssl of PostgreSQL (t/001_ssltests.pl,
t/002_scram.pl, t/003_sslinfo.pl).
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

import trustme

import fakes
import fronts
import revocation
import rules
from fakes import Answer
from throwaway import certificates as making
from throwaway.server import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from fakes import Fake
    from lab import Lab
    from throwaway.certificates import Certificates

__all__ = ["ENVIRONMENTS", "SITES", "STREETS", "TEXTS", "Environment", "Street", "opened"]

_FULL = "sslmode=verify-full&sslrootcert={ca}"

TEXTS = {
    "nothing": "",
    "prefer": "sslmode=prefer",
    "require": "sslmode=require",
    "require, with a CA": "sslmode=require&sslrootcert={ca}",
    "verify-ca": "sslmode=verify-ca&sslrootcert={ca}",
    "verify-full": _FULL,
    "another CA": "sslmode=verify-full&sslrootcert={other_ca}",
    "the system's CAs": "sslrootcert=system",
    "a list": f"{_FULL}&sslcrl={{revoking}}",
    "a list that spares": f"{_FULL}&sslcrl={{sparing}}",
    "a directory": f"{_FULL}&sslcrldir={{lists}}",
    "an empty directory": f"{_FULL}&sslcrldir={{empty}}",
    "both": f"{_FULL}&sslcrl={{sparing}}&sslcrldir={{lists}}",
    "TLS 1.3": f"{_FULL}&ssl_min_protocol_version=TLSv1.3",
    "TLS 1.2": f"{_FULL}&ssl_max_protocol_version=TLSv1.2",
    "a client certificate": f"{_FULL}&sslcert={{certificate}}&sslkey={{key}}",
    "a stranger's certificate": f"{_FULL}&sslcert={{stranger}}&sslkey={{stranger_key}}",
    "a certificate that is not shown": f"{_FULL}&sslcert={{certificate}}&sslkey={{key}}&sslcertmode=disable",
    "a certificate that is demanded": f"{_FULL}&sslcert={{certificate}}&sslkey={{key}}&sslcertmode=require",
    "no certificate, and demanded": f"{_FULL}&sslcertmode=require",
    "SCRAM": "sslmode=require&require_auth=scram-sha-256",
    "no password in clear text": f"{_FULL}&require_auth=!password",
    "channel binding": "sslmode=require&channel_binding=require",
    "channel binding, verified": f"{_FULL}&channel_binding=require",
    "TLS at once": f"{_FULL}&sslnegotiation=direct",
    "no SNI": f"{_FULL}&sslsni=0",
}


class Environment(NamedTuple):
    """Variables, of which HOME may be one. With `lowers`, libpq refuses what it would reach as securely without them.

    OpenSSL reads those of `openssl` when a process starts.
    """

    variables: dict[str, str]
    lowers: bool = False
    openssl: bool = False


def _conf(name: str) -> Environment:
    return Environment({"OPENSSL_CONF": f"{{{name}}}"}, openssl=True)


ENVIRONMENTS = {
    "nothing": Environment({}),
    "PGSSLMODE=verify-full": Environment({"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "{ca}"}),
    "PGSSLMODE=require": Environment({"PGSSLMODE": "require"}),
    "PGSSLMODE=verify-full, another CA": Environment({"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "{other_ca}"}),
    "PGSSLROOTCERT": Environment({"PGSSLROOTCERT": "{ca}"}),
    "PGSSLROOTCERT, another": Environment({"PGSSLROOTCERT": "{other_ca}"}),
    "PGSSLROOTCERT and PGSSLCRL": Environment({"PGSSLROOTCERT": "{ca}", "PGSSLCRL": "{revoking}"}),
    "PGREQUIRESSL": Environment({"PGREQUIRESSL": "1"}),
    "PGSSLCRL": Environment({"PGSSLCRL": "{revoking}"}),
    "PGSSLCRL, a list that spares": Environment({"PGSSLCRL": "{sparing}"}),
    "PGSSLCRLDIR": Environment({"PGSSLCRLDIR": "{lists}"}),
    "PGSSLCRLDIR, an empty directory": Environment({"PGSSLCRLDIR": "{empty}"}),
    "PGSSLCRL and PGSSLCRLDIR": Environment({"PGSSLCRL": "{sparing}", "PGSSLCRLDIR": "{lists}"}),
    "PGSSLMINPROTOCOLVERSION": Environment({"PGSSLMINPROTOCOLVERSION": "TLSv1.3"}),
    "PGREQUIREAUTH=scram-sha-256": Environment({"PGREQUIREAUTH": "scram-sha-256"}),
    "PGREQUIREAUTH=!password": Environment({"PGREQUIREAUTH": "!password"}),
    "PGREQUIREAUTH=gss": Environment({"PGREQUIREAUTH": "gss"}),
    "PGREQUIREAUTH=password": Environment({"PGREQUIREAUTH": "password"}),
    "PGCHANNELBINDING=require": Environment({"PGCHANNELBINDING": "require"}),
    "PGSSLCERTMODE=require": Environment({"PGSSLCERTMODE": "require"}),
    "PGSSLCERT": Environment({"PGSSLCERT": "{certificate}", "PGSSLKEY": "{key}"}),
    "PGSSLCERT, demanded": Environment({"PGSSLCERT": "{certificate}", "PGSSLKEY": "{key}", "PGSSLCERTMODE": "require"}),
    "PGSSLNEGOTIATION": Environment({"PGSSLNEGOTIATION": "direct", "PGSSLMODE": "require"}),
    "PGGSSENCMODE": Environment({"PGGSSENCMODE": "require"}),
    "PGMINPROTOCOLVERSION": Environment({"PGMINPROTOCOLVERSION": "3.2"}),
    "every demand": Environment(
        {
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": "{ca}",
            "PGSSLCRL": "{revoking}",
            "PGREQUIREAUTH": "scram-sha-256",
            "PGCHANNELBINDING": "require",
            "PGSSLMINPROTOCOLVERSION": "TLSv1.3",
        }
    ),
    "PGSSLMODE=disable": Environment({"PGSSLMODE": "disable"}, lowers=True),
    "PGSSLMODE=allow": Environment({"PGSSLMODE": "allow"}, lowers=True),
    "PGSSLSNI": Environment({"PGSSLSNI": "0"}, lowers=True),
    "PGSSLCERTMODE=disable": Environment({"PGSSLCERTMODE": "disable"}, lowers=True),
    "PGSSLMAXPROTOCOLVERSION": Environment({"PGSSLMAXPROTOCOLVERSION": "TLSv1.2"}, lowers=True),
    "weak versions": Environment(
        {"PGSSLMINPROTOCOLVERSION": "TLSv1", "PGSSLMAXPROTOCOLVERSION": "TLSv1.1"}, lowers=True
    ),
    "PGCHANNELBINDING=disable": Environment({"PGCHANNELBINDING": "disable"}, lowers=True),
    "PGSSLCRL that is missing": Environment({"PGSSLCRL": "{missing}"}, lowers=True),
    "every weakness": Environment(
        {
            "PGSSLMODE": "disable",
            "PGSSLSNI": "0",
            "PGCHANNELBINDING": "disable",
            "PGGSSENCMODE": "disable",
            "PGSSLMINPROTOCOLVERSION": "TLSv1",
            "PGSSLCRL": "{missing}",
            "PGSSLCERTMODE": "disable",
        },
        lowers=True,
    ),
    "a service": Environment({"PGSERVICE": "weak", "PGSERVICEFILE": "{service}"}, lowers=True),
    "a service that hardens": Environment({"PGSERVICE": "strong", "PGSERVICEFILE": "{service}"}),
    "PGREQUIREPEER": Environment({"PGREQUIREPEER": "nobody"}),
    "PGTARGETSESSIONATTRS": Environment({"PGTARGETSESSIONATTRS": "standby"}, lowers=True),
    "PGLOADBALANCEHOSTS": Environment({"PGLOADBALANCEHOSTS": "bad"}, lowers=True),
    "PGHOSTADDR": Environment({"PGHOSTADDR": "127.0.0.77"}, lowers=True),
    "PGPASSFILE": Environment({"PGPASSFILE": "{passfile}"}),
    "a home with a CA": Environment({"HOME": "{home_ca}"}),
    "a home with another CA": Environment({"HOME": "{home_other_ca}"}),
    "a home with a list": Environment({"HOME": "{home_list}"}),
    "a home with both, and PGSSLMODE": Environment({"HOME": "{home_both}", "PGSSLMODE": "verify-full"}),
    "a home with a certificate": Environment({"HOME": "{home_certificate}"}),
    "SSL_CERT_FILE": Environment({"SSL_CERT_FILE": "{ca}"}, openssl=True),
    "SSL_CERT_FILE, another": Environment({"SSL_CERT_FILE": "{other_ca}"}, openssl=True),
    "SSL_CERT_FILE, missing": Environment({"SSL_CERT_FILE": "{missing}"}, openssl=True),
    "SSL_CERT_DIR": Environment({"SSL_CERT_DIR": "{cas}"}, openssl=True),
    "SSL_CERT_DIR, empty": Environment({"SSL_CERT_DIR": "{empty}"}, openssl=True),
    "OPENSSL_CONF, NULL ciphers": _conf("null"),
    "OPENSSL_CONF, NULL ciphers included": _conf("included"),
    "OPENSSL_CONF, Ciphers": _conf("ciphers"),
    "OPENSSL_CONF, NULL ciphers continued": _conf("continued"),
    "OPENSSL_CONF, NULL ciphers in a variable": _conf("variable"),
    "OPENSSL_CONF, MaxProtocol": Environment({"OPENSSL_CONF": "{maximum}"}, lowers=True, openssl=True),
    "OPENSSL_CONF, MinProtocol": _conf("minimum"),
}

_HEAD = "openssl_conf = start\n[start]\nssl_conf = ssl\n[ssl]\nsystem_default = all\n[all]\n"
_NULL = "ALL:eNULL:@SECLEVEL=0"

_CONFIGURATIONS = {
    "null": f"{_HEAD}CipherString = {_NULL}\n",
    "included": f".include {{home}}/rest.cnf\n{_HEAD}MinProtocol = TLSv1.2\n",
    "ciphers": f"{_HEAD}Ciphers = {_NULL}\n",
    "continued": f"{_HEAD}CipherString = \\\n{_NULL}\n",
    "variable": f"word = {_NULL}\n{_HEAD}CipherString = $default::word\n",
    "maximum": f"{_HEAD}MaxProtocol = TLSv1.2\n",
    "minimum": f"{_HEAD}MinProtocol = TLSv1.3\n",
}

STREETS = {
    "certificates": ("good", "wronghost", "unknownca", "both", "notls"),
    "settings": ("older", "newest", "certified", "null"),
    "fronts": ("alpn", "no alpn", "by name"),
    "listeners": ("thief", "confidant"),
}
"""Servers by what is special about them."""

SITES = tuple(site for sites in STREETS.values() for site in sites)


class Street(NamedTuple):
    """The servers of `SITES` by their URIs without a query; `files` by name, and the `listeners` without honest TLS."""

    uris: dict[str, str]
    files: dict[str, str]
    listeners: tuple[Fake, ...]

    def text(self, site: str, query: str) -> str:
        """Return the connection string for a server."""
        return f"{self.uris[site]}?{query}".format_map(self.files) if query else self.uris[site]

    def environment(self, name: str) -> dict[str, str]:
        """Return the variables of an environment."""
        return {each: value.format_map(self.files) for each, value in ENVIRONMENTS[name].variables.items()}


_HOMES = {
    "ca": {"root.crt": "ca"},
    "other_ca": {"root.crt": "other_ca"},
    "list": {"root.crl": "revoking"},
    "both": {"root.crt": "ca", "root.crl": "revoking"},
    "certificate": {"postgresql.crt": "certificate", "postgresql.key": "key"},
}
"""Homes, with what is below ``.postgresql`` in each."""


def _home(home: Path, files: Mapping[str, Path], inside: Mapping[str, str]) -> Path:
    """Make a home, and return it."""
    (home / ".postgresql").mkdir(parents=True)
    for name, file in inside.items():
        (home / ".postgresql" / name).symlink_to(files[file])
    return home


@contextmanager
def opened(lab: Lab, certificates: Certificates, home: Path) -> Iterator[Street]:
    """Start the servers, and write the files."""
    home.chmod(0o755)
    with ExitStack() as cleanup:
        start = cleanup.enter_context
        clients = trustme.CA(organization_name="clients")
        client = making._pair(home / "client", clients.issue_cert("app@envconn.test", common_name="app"))
        stranger = making._pair(home / "stranger", trustme.CA().issue_cert("app@envconn.test", common_name="app"))
        rule = "hostssl all all 127.0.0.0/8 scram-sha-256"
        tls12, tls13 = "ssl_max_protocol_version = 'TLSv1.2'", "ssl_min_protocol_version = 'TLSv1.3'"
        weak = f"{tls12}\nssl_ciphers = 'eNULL:@SECLEVEL=0'"
        root = making._root(home / "clients.pem", clients)
        older = start(rules.running(certificates.issue("localhost"), rule, settings=tls12))
        revoked = shown(older.port) or b""
        uris = {site: lab[site].uri() for site in SITES[:5]} | {"older": older.uri()}
        pair = certificates.issue("localhost", "127.0.0.1")
        uris["newest"] = start(rules.running(pair, rule, settings=tls13)).uri()
        uris["certified"] = start(rules.running(pair, f"{rule} clientcert=verify-ca", ca=root)).uri()
        uris["null"] = start(rules.running(pair, rule, settings=weak)).uri()
        for site, how in {
            "alpn": {},
            "no alpn": {"alpn": False},
            "by name": {"nameless": certificates.wronghost},
        }.items():
            port = start(fronts.running(certificates.good, lab["notls"].port, **how))  # type: ignore[arg-type]
            uris[site] = lab["notls"].uri().replace(str(lab["notls"].port), str(port))
        thief = start(fakes.running(Answer.N))
        confidant = start(fakes.running(Answer.CONSENT, certificates.good))
        uris |= {"thief": thief.uri(), "confidant": confidant.uri()}
        authority = certificates.authority
        files = {
            "ca": certificates.ca,
            "other_ca": certificates.other_ca,
            "missing": certificates.missing,
            "revoking": revocation.listed(home / "revoking.crl", authority, revoked),
            "sparing": revocation.listed(home / "sparing.crl", authority),
            "lists": revocation.directory(home / "lists", authority, revoked),
            "empty": home / "empty",
            "cas": home / "cas",
            "certificate": client.chain,
            "key": client.key,
            "stranger": stranger.chain,
            "stranger_key": stranger.key,
            "service": home / "services.conf",
            "passfile": home / "passwords",
            **{name: home / f"{name}.cnf" for name in _CONFIGURATIONS},
        }
        files |= {f"home_{name}": _home(home / f"home_{name}", files, inside) for name, inside in _HOMES.items()}
        files["passfile"].write_text("*:*:*:*:another\n", encoding="utf-8")
        files["passfile"].chmod(0o600)
        files["empty"].mkdir()
        files["cas"].mkdir()
        (files["cas"] / f"{revocation.name_hash(authority)}.0").write_bytes(certificates.ca.read_bytes())
        files["service"].write_text(
            f"[weak]\nsslmode=disable\n[strong]\nsslmode=verify-full\nsslrootcert={certificates.ca}\n"
            f"sslcrl={files['revoking']}\nrequire_auth=scram-sha-256\n",
            encoding="utf-8",
        )
        for name, content in _CONFIGURATIONS.items():
            files[name].write_text(content.replace("{home}", str(home)), encoding="utf-8")
        (home / "rest.cnf").write_text(_CONFIGURATIONS["null"], encoding="utf-8")
        yield Street(uris, {name: str(path) for name, path in files.items()}, (thief, confidant))
