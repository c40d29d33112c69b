"""Services that are read again: what changed, which thread waits, and which login is tried a second time."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from pydantic_settings import JsonConfigSettingsSource

import envconn
from envconn import ConfigurationError, Policy, SecuredConnection, Services, TlsLevel, selection
from envconn.report import Report
from envconn.rotation import alogin
from envconn.rotation import login as log_in
from envconn.rotation.reload import Changes
from envconn.selection import Selection, select_services
from envconn.services import ENVIRONMENT, Environment, in_use
from envconn.tls.secured import place_of
from leaks import MARKER, failure_surfaces, find, value_surfaces
from wrongfiles import no_descriptor_left

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from throwaway.certificates import Certificates

URL = f"postgresql://app:{MARKER}@db.example.com/app?sslmode=require"
OTHER = f"postgresql://app:{MARKER}@other.example.com/app?sslmode=require"


def load(environ: dict[str, str], **named: object) -> Services:
    return envconn.load(environ, env_file=None, **named)  # type: ignore[arg-type]


NEON = URL.replace("db.example.com", "ep-a-1.eu-central-1.aws.neon.tech")
PAIR = f"{NEON}&sslcert=good.pem&sslkey=good.key"
LOAD = envconn.load
RELATIVE: dict[str, tuple[dict[str, str], Callable[[], Services]]] = {
    "DATABASE_URL_FILE": ({"DATABASE_URL_FILE": "secrets/DATABASE_URL"}, LOAD),
    "ENVCONN_SECRETS_DIR": ({"ENVCONN_SECRETS_DIR": "secrets"}, LOAD),
    "SERVICE_BINDING_ROOT": ({"SERVICE_BINDING_ROOT": "bindings"}, LOAD),
    "VCAP_SERVICES_FILE_PATH": ({"VCAP_SERVICES_FILE_PATH": "vcap"}, LOAD),
    "an env file": ({}, lambda: envconn.load(env_file="variables")),
    "sslrootcert": ({"DATABASE_URL": f"{NEON}&sslrootcert=ca.pem"}, LOAD),
    "sslcert": ({"DATABASE_URL": PAIR}, LOAD),
    "DATABASE_CA_CERT": ({"DATABASE_URL": NEON, "DATABASE_CA_CERT": "ca.pem"}, LOAD),
    "PGSSLROOTCERT": ({"DATABASE_URL": NEON, "PGSSLROOTCERT": "ca.pem"}, LOAD),
    "SSL_CERT_FILE": ({"DATABASE_URL": f"{NEON}&sslrootcert=system", "SSL_CERT_FILE": "ca.pem"}, LOAD),
    "Policy": ({"DATABASE_URL": NEON}, lambda: envconn.load(policy=Policy(ca="ca.pem"))),
    "Settings": ({"DATABASE_URL": NEON, "DATABASE_CA_CERT": "ca.pem"}, lambda: envconn.Settings().services),
    "_env_file": ({}, lambda: envconn.Settings(_env_file="variables").services),
    "_secrets_dir": ({}, lambda: envconn.Settings(_secrets_dir="secrets").services),
}
"""Variables with paths that start in the working directory, and how services are loaded, by what has such a path."""


@pytest.fixture
def furnished(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, certificates: Certificates) -> pytest.MonkeyPatch:
    """A working directory with the files of `RELATIVE`."""
    files = {
        "secrets/DATABASE_URL": NEON,
        "bindings/db/type": "postgresql",
        "bindings/db/uri": NEON,
        "vcap": json.dumps({"postgresql": [{"name": "db", "credentials": {"uri": NEON}}]}),
        "variables": f"DATABASE_URL={NEON}\nDATABASE_CA_CERT=ca.pem\n",
        "ca.pem": certificates.ca.read_text("ascii"),
        "good.pem": certificates.good.chain.read_text("ascii"),
        "good.key": certificates.good.key.read_text("ascii"),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="ascii")
    (tmp_path / "good.key").chmod(0o600)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


class TestReload:
    def test_nothing_changed(self) -> None:
        services = load({"DATABASE_URL": URL})
        before = services.database
        changes = services.reload()
        assert (bool(changes), str(changes), changes) == (False, "nothing changed", Changes())
        assert services.database is not before

    def test_what_changed_is_named_without_values(self) -> None:
        environ = {"DATABASE_URL": URL, "OLD_DATABASE_URL": OTHER}
        services = load(environ)
        environ["DATABASE_URL"] = URL.replace(MARKER, "another-secret")
        environ["NEW_DATABASE_URL"] = environ.pop("OLD_DATABASE_URL")
        changes: Changes = services.reload()
        assert (changes.added, changes.removed, changes.changed) == (("new",), ("old",), {"database": ("password",)})
        assert str(changes) == "new: added; old: removed; database: changed password"
        assert list(services) == ["database", "new"]
        assert services.database.password == envconn.Secret("another-secret")
        assert "secret" not in f"{changes}{changes!r}"
        with pytest.raises(TypeError):
            changes.changed["database"] = ()  # type: ignore[index]

    @pytest.mark.parametrize(
        ("after", "facts"),
        [
            (URL.replace("db.", "db2."), ("host",)),
            (f"{URL}&hostaddr=127.0.0.1", ("host",)),
            (URL.replace(".com/", ".com:5433/"), ("port",)),
            (URL.replace("//app:", "//other:"), ("user",)),
            (URL.replace("/app?", "/other?"), ("dbname",)),
            (URL.replace(f":{MARKER}", ""), ("password",)),
            (f"{URL}&application_name=x", ("parameters",)),
            (f"{URL}&pgbouncer=true", ("parameters", "pooled")),
            (URL.replace("require", "verify-full&sslrootcert=system"), ("parameters", "tls.level", "tls.ca")),
            (URL.replace("db.example.com", "ep-a-1.eu-central-1.aws.neon.tech"), ("host", "provider", "pooled")),
        ],
    )
    def test_each_fact(self, after: str, facts: tuple[str, ...]) -> None:
        environ = {"DATABASE_URL": URL}
        services = load(environ)
        environ["DATABASE_URL"] = after
        assert services.reload().changed == {"database": facts}

    def test_a_change_of_the_origin_or_of_siblings(self) -> None:
        environ = {"DATABASE_URL": URL}
        services = load(environ)
        environ |= {"DATABASE_URL": "$MAIN", "MAIN": URL, "DATABASE_REPLICA_URL": OTHER}
        assert services.reload().changed == {"database": ("origin", "siblings")}
        environ["DATABASE_REPLICA_URL"] = OTHER.replace("require", "prefer")
        assert services.reload().changed == {"database": ("siblings",)}

    def test_a_file(self, tmp_path: Path) -> None:
        """T111."""
        path = tmp_path / "url"
        path.write_text(URL, encoding="utf-8")
        services = load({"DATABASE_URL_FILE": str(path)})
        path.write_text(f"{OTHER}\n", encoding="utf-8")
        assert services.database.host == "db.example.com"
        assert services.reload().changed == {"database": ("host",)}
        assert services.database.host == "other.example.com"

    @pytest.mark.parametrize("again", [False, True])
    def test_the_content_of_a_file(self, tmp_path: Path, certificates: Certificates, *, again: bool) -> None:
        """Named by what it is about, also where it was swapped for a file of the same size and time."""
        ca = tmp_path / "ca.pem"
        ca.write_bytes(certificates.ca.read_bytes())
        os.utime(ca, (1, 1))
        services = load({"DATABASE_URL": f"{URL}&sslrootcert={ca}"})
        assert not services.reload()
        swapped = tmp_path / "swapped"
        swapped.write_bytes((certificates.ca if again else certificates.other_ca).read_bytes())
        os.utime(swapped, (1, 1))
        swapped.replace(ca)
        assert services.reload().changed == ({} if again else {"database": ("tls.ca",)})
        assert not services.reload()

    def test_the_content_of_a_revocation_list(self, tmp_path: Path, certificates: Certificates) -> None:
        (listed := tmp_path / "list.pem").write_bytes(certificates.ca.read_bytes())
        full = URL.replace("require", "verify-full")
        services = load({"DATABASE_URL": f"{full}&sslrootcert={certificates.ca}&sslcrl={listed}"})
        listed.write_bytes(certificates.other_ca.read_bytes())
        assert services.reload().changed == {"database": ("tls.crl",)}

    def test_the_file_of_a_sibling(self, tmp_path: Path, certificates: Certificates) -> None:
        ca = tmp_path / "ca.pem"
        ca.write_bytes(certificates.ca.read_bytes())
        environ = {"DATABASE_URL": URL, "DATABASE_REPLICA_URL": f"{OTHER}&sslrootcert={ca}"}
        services = load(environ)
        ca.write_bytes(certificates.other_ca.read_bytes())
        assert services.reload().changed == {"database": ("siblings",)}

    def test_a_dotenv_file_and_the_process(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / ".env").write_text(f"DATABASE_URL={URL}\n", encoding="utf-8")
        services = envconn.load(env_file=tmp_path / ".env")
        monkeypatch.setenv("DATABASE_URL", OTHER)
        assert services.reload().changed == {"database": ("host", "origin")}

    def test_each_sibling_has_its_own_place(self) -> None:
        direct = URL.replace("db.", "direct.")
        services = load({"DATABASE_URL": URL, "DIRECT_URL": direct, "DATABASE_REPLICA_URL": OTHER})
        siblings = services.database.siblings
        assert {each.host for each in siblings} == {"direct.example.com", "other.example.com"}
        for sibling in siblings:
            place = place_of(sibling)
            assert place
            assert place.of(place.current.selection) is sibling

    def test_the_policy_stays(self) -> None:
        environ = {"DATABASE_URL": URL}
        services = load(environ, policy=Policy(tls="verify-full", ca="system"))
        environ |= {"DATABASE_URL": OTHER, "ENVCONN_TLS": "require"}
        assert services.reload().changed == {"database": ("host",)}
        assert services.database.tls.level == TlsLevel.VERIFY_FULL

    @pytest.mark.parametrize("wrong", ["", "postgresql://h", URL.replace("require", "disable"), "rediss://x/0"])
    def test_a_wrong_environment_changes_nothing(self, wrong: str) -> None:
        environ = {"DATABASE_URL": URL}
        services = load(environ)
        before = services.database
        environ["DATABASE_URL"] = wrong
        with pytest.raises(ConfigurationError) as caught:
            services.reload()
        assert all(problem.variable == "DATABASE_URL" for problem in caught.value.problems)
        assert services.database is before
        environ["DATABASE_URL"] = OTHER
        assert services.reload()

    def test_what_is_wrong_shows_no_secret(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        environ = {"DATABASE_URL": URL}
        services = load(environ)
        for wrong in (f"postgresql://app:{MARKER}@{MARKER}@x/y", f"{URL}&connect_timeout={MARKER}", MARKER):
            environ["DATABASE_URL"] = wrong
            with pytest.raises(ConfigurationError) as caught:
                services.reload()
            with pytest.raises(Refused) as refused:
                log_in(services, Server("another").connect)
            assert refused.value.__notes__
            for failure in (caught.value, refused.value):
                assert find(MARKER, {**failure_surfaces(failure), "log": caplog.text}) == {}
        environ["DATABASE_URL"] = OTHER
        assert find(MARKER, value_surfaces(services.reload())) == {}

    def test_without_an_environment(self) -> None:
        services = Services(select_services({"DATABASE_URL": URL}, None))
        with pytest.raises(TypeError, match="not loaded from variables and files"):
            services.reload()

    def test_settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", URL)
        read, partly = envconn.Settings(), envconn.Settings(databases={"own": OTHER})
        monkeypatch.setenv("DATABASE_URL", URL.replace(MARKER, "another"))
        for settings in (read, partly):
            assert settings.services.reload().changed == {"database": ("password",)}
        assert partly.services["own"].host == "other.example.com"
        monkeypatch.setenv("DATABASE_URL", "rubbish")
        with pytest.raises(ConfigurationError, match="DATABASE_URL"):
            read.services.reload()

    @pytest.mark.parametrize("source", ["variable", "argument"])
    def test_a_directory_of_secrets(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
        (tmp_path / "database_url").write_text(URL, encoding="utf-8")
        if source == "variable":
            monkeypatch.setenv("ENVCONN_SECRETS_DIR", str(tmp_path))
            services = envconn.load()
        else:
            services = envconn.Settings(_secrets_dir=str(tmp_path)).services
        (tmp_path / "database_url").write_text(OTHER, encoding="utf-8")
        assert services.reload().changed == {"database": ("host",)}
        (tmp_path / "database_url").write_bytes(b"\xff")
        with pytest.raises(ConfigurationError):
            services.reload()
        assert services.database.host == "other.example.com"

    def test_a_source_that_keeps_what_it_has_found(self, tmp_path: Path) -> None:
        path = tmp_path / "settings.json"
        path.write_text(f'{{"DATABASE_URL": "{URL}"}}', encoding="utf-8")

        class FromFile(envconn.Settings):
            @classmethod
            def settings_customise_sources(cls, *given: Any, **usual: Any) -> Any:
                file = JsonConfigSettingsSource(cls, path)
                return (*super().settings_customise_sources(*given, **usual), file)

        services, server = FromFile().services, Server("another")
        path.write_text(f'{{"DATABASE_URL": "{OTHER}"}}', encoding="utf-8")
        with pytest.raises(TypeError, match="make the settings, again"):
            services.reload()
        with pytest.raises(Refused):
            log_in(services, server.connect)
        assert len(server.tried) == 1
        assert FromFile().services.database.host == "other.example.com"

    @pytest.mark.parametrize("named", RELATIVE)
    def test_relative_paths_start_where_they_did(self, furnished: pytest.MonkeyPatch, named: str) -> None:
        """A daemon does ``chdir("/")``."""
        variables, load_them = RELATIVE[named]
        for variable, value in variables.items():
            furnished.setenv(variable, value)
        services = load_them()
        before = services.database
        furnished.chdir("/")
        assert str(services.reload()) == "nothing changed"
        assert services.database is not before
        assert [each.endpoint(pooled=True).pooled for each in (before, services.database)] == [True, True]

    def test_a_directory_that_was_removed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        assert not load({"DATABASE_URL": URL}).reload()

    def test_too_many_open_files(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Modules that are imported when they are needed are files, too."""
        services = load({"DATABASE_URL": URL})

        def import_one(*_: object) -> NoReturn:
            with open(__file__, "rb"):
                raise OSError("another reason")

        monkeypatch.setattr(selection, "_selected", import_one)
        with pytest.raises(ConfigurationError, match="RLIMIT_NOFILE: the process has too"), no_descriptor_left():
            services.reload()
        with pytest.raises(OSError, match="another reason"):
            services.reload()

    def test_copies_are_the_same_and_pickles_are_not_made(self) -> None:
        services = load({"DATABASE_URL": URL})
        assert copy.copy(services) is copy.deepcopy([services])[0] is services
        with pytest.raises(TypeError, match="never pickled"):
            pickle.dumps(services)


class TestPlaces:
    ENVIRON = {  # noqa: RUF012
        "DATABASE_URL": "postgresql://app:p@ep-a-1.us-east-2.aws.neon.tech/app",
        "OTHER_DATABASE_URL": OTHER,
        "DATABASE_REPLICA_URL": URL.replace("db.", "ro."),
    }

    def test_what_was_taken_by_name_follows(self) -> None:
        environ = dict(self.ENVIRON)
        services = load(environ)
        other, replica = services["other"], services.connection(replica=True)
        pooled = services.connection(pooled=True)
        assert (other.host, replica.host) == ("other.example.com", "ro.example.com")
        environ |= {name: text.replace("app:", "app:another") for name, text in environ.items()}
        assert [in_use(each) is each for each in (other, replica)] == [True] * 2
        services.reload()
        assert in_use(other) is services["other"]
        assert in_use(replica) is services.database.siblings[0]
        assert (in_use(pooled).pooled, in_use(pooled).password) == (True, services.database.password)
        assert other.password != services["other"].password, "what was taken stays as it was"

    def test_what_is_not_there(self) -> None:
        services = load(self.ENVIRON)
        with pytest.raises(KeyError):
            services["nothing"]
        with pytest.raises(envconn.EndpointUnavailable):
            services.connection("other", pooled=True)

    def test_what_is_not_there_any_more(self) -> None:
        environ = dict(self.ENVIRON)
        services = load(environ)
        other, replica, pooled = services["other"], services.connection(replica=True), services.connection(pooled=True)
        for name in ("OTHER_DATABASE_URL", "DATABASE_REPLICA_URL"):
            del environ[name]
        environ["DATABASE_URL"] = URL
        services.reload()
        assert [in_use(each) is each for each in (other, replica, pooled)] == [True] * 3

    def test_a_connection_belongs_to_the_services_it_was_first_taken_from(self) -> None:
        services = load(self.ENVIRON)
        again = Services(Selection({"mine": services["other"]}, Report()))
        assert place_of(again["mine"]).name == "other"


class Refused(Exception):
    """What a driver would raise."""


class Server:
    """What takes one password, and remembers every try."""

    def __init__(self, password: str) -> None:
        self.password = password
        self.tried: list[SecuredConnection] = []

    def connect(self, connection: SecuredConnection) -> str:
        self.tried.append(connection)
        if connection.password != envconn.Secret(self.password):
            raise Refused
        return connection.host

    async def aconnect(self, connection: SecuredConnection) -> str:
        await asyncio.sleep(0)
        return self.connect(connection)


def synchronously(source: Services | SecuredConnection | Environment, server: Server) -> str:
    return log_in(source, server.connect)


def asynchronously(source: Services | SecuredConnection | Environment, server: Server) -> str:
    return asyncio.run(alogin(source, server.aconnect))


@pytest.mark.parametrize("login", [synchronously, asynchronously])
class TestLogin:
    def test_once_where_it_succeeds(self, login: Callable[..., str]) -> None:
        services, server = load({"DATABASE_URL": URL}), Server(MARKER)
        assert login(services, server) == login(services.database, server) == "db.example.com"
        assert server.tried == [services.database] * 2

    def test_the_environment_by_default(self, login: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", URL)
        assert login(ENVIRONMENT, Server(MARKER)) == "db.example.com"

    def test_twice_where_it_has_changed(self, login: Callable[..., str], caplog: pytest.LogCaptureFixture) -> None:
        environ, server = {"DATABASE_URL": URL}, Server("another")
        services = load(environ)
        environ["DATABASE_URL"] = URL.replace(MARKER, "another")
        with caplog.at_level(logging.INFO, "envconn"):
            assert login(services, server) == "db.example.com"
        assert len(server.tried) == 2
        assert services.database is server.tried[1]
        assert caplog.messages == [
            "loaded the configuration again after a failed login: database: changed password",
        ]

    def test_once_where_it_has_not(self, login: Callable[..., str]) -> None:
        environ, server = {"DATABASE_URL": URL}, Server("another")
        services = load(environ)
        before = services.database
        environ |= {"DATABASE_URL": "$MAIN", "MAIN": URL}
        with pytest.raises(Refused) as caught:
            login(services, server)
        assert (len(server.tried), services.database) == (1, before)
        assert not hasattr(caught.value, "__notes__")

    def test_what_fails_twice_is_not_used(self, login: Callable[..., str]) -> None:
        environ, server = {"DATABASE_URL": URL}, Server("a third one")
        services = load(environ)
        before = services.database
        environ["DATABASE_URL"] = OTHER.replace(MARKER, "another")
        with pytest.raises(Refused) as caught:
            login(services, server)
        assert [each.host for each in server.tried] == ["db.example.com", "other.example.com"]
        assert services.database is before
        assert caught.value.__context__ is None

    @pytest.mark.parametrize(
        ("after", "note"),
        [
            ({"DATABASE_URL": "half://"}, "DATABASE_URL: "),
            ({"DATABASE_URL": URL, "ENVCONN_TLS_WAIVE": "*"}, None),
            ({"DATABASE_URL": OTHER, "ENVCONN_TLS": "require"}, "the TLS settings of database are weaker than before"),
            (
                {"DATABASE_URL": f"{OTHER}&sslrootcert=system", "NEXT_DATABASE_URL": OTHER},
                "the TLS settings of next are weaker than before",
            ),
            ({"NEXT_DATABASE_URL": f"{OTHER}&sslrootcert=system"}, "DATABASE_URL: is no longer set"),
        ],
    )
    def test_what_cannot_be_taken(
        self,
        login: Callable[..., str],
        after: dict[str, str],
        note: str | None,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        environ = {"DATABASE_URL": f"{URL}&sslrootcert=system", "NEXT_DATABASE_URL": f"{OTHER}&sslrootcert=system"}
        if note is None:
            environ = {"DATABASE_URL": URL}
        services, server = load(environ), Server("another")
        environ.clear()
        environ |= after
        with pytest.raises(Refused) as caught:
            login(services, server)
        assert len(server.tried) == 1
        if note:
            [added] = caught.value.__notes__
            assert added.startswith(
                f"envconn: the configuration was loaded again after this failure, but not used: {note}"
            )
            [logged] = caplog.messages
            assert note in logged
            assert MARKER not in added + logged

    @pytest.mark.parametrize("gone", ["channel_binding=require", "require_auth=scram-sha-256"])
    def test_a_demand_that_is_gone(self, login: Callable[..., str], gone: str) -> None:
        environ, server = {"DATABASE_URL": f"{URL}&{gone}"}, Server("another")
        services = load(environ)
        environ["DATABASE_URL"] = URL.replace(MARKER, "another")
        with pytest.raises(Refused):
            login(services, server)
        assert services.reload().changed == {"database": ("password", "parameters")}
        assert login(services, server)

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("channel_binding=require", "channel_binding=disable"),
            ("channel_binding=require", "channel_binding=prefer"),
            ("require_auth=scram-sha-256", "require_auth=password,none"),
            ("require_auth=scram-sha-256", "require_auth=gss"),
            ("require_auth=!none", "require_auth=!password"),
            ("ssl_min_protocol_version=TLSv1.3", "ssl_min_protocol_version=TLSv1.2"),
            ("application_name=a", "ssl_max_protocol_version=TLSv1.2"),
            ("sslcertmode=require", "sslcertmode=allow"),
        ],
    )
    def test_a_demand_that_is_weaker_or_another(self, login: Callable[..., str], before: str, after: str) -> None:
        environ, server = {"DATABASE_URL": f"{URL}&{before}"}, Server("another")
        services = load(environ)
        environ["DATABASE_URL"] = f"{URL.replace(MARKER, 'another')}&{after}"
        with pytest.raises(Refused) as caught:
            login(services, server)
        assert "the TLS settings of database are weaker than before" in caught.value.__notes__[0]

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("channel_binding=prefer", "channel_binding=require"),
            ("require_auth=scram-sha-256,md5", "require_auth=scram-sha-256"),
            ("ssl_min_protocol_version=TLSv1.2", "ssl_min_protocol_version=TLSv1.3"),
            ("application_name=a", "application_name=b"),
        ],
    )
    def test_a_demand_that_is_as_strong(self, login: Callable[..., str], before: str, after: str) -> None:
        environ, server = {"DATABASE_URL": f"{URL}&{before}"}, Server("another")
        services = load(environ)
        environ["DATABASE_URL"] = f"{URL.replace(MARKER, 'another')}&{after}"
        assert login(services, server)

    @pytest.mark.parametrize(
        ("before", "after", "is_taken"),
        [
            ("{ca}", "{other_ca}", True),
            ("system", "{ca}", True),
            ("system", "system", True),
            ("{ca}", "system", False),
        ],
    )
    def test_another_ca(
        self, login: Callable[..., str], certificates: Certificates, before: str, after: str, *, is_taken: bool
    ) -> None:
        """It expires and is replaced, but every CA of the system is more than the one that was named."""
        paths = {"ca": certificates.ca, "other_ca": certificates.other_ca}
        full = URL.replace("require", "verify-full&sslrootcert=")
        environ, server = {"DATABASE_URL": full + before.format_map(paths)}, Server("another")
        services = load(environ)
        environ["DATABASE_URL"] = full.replace(MARKER, "another") + after.format_map(paths)
        if is_taken:
            assert login(services, server)
            return
        with pytest.raises(Refused) as caught:
            login(services, server)
        assert "the TLS settings of database are weaker than before" in caught.value.__notes__[0]

    def test_a_service_that_is_new(self, login: Callable[..., str]) -> None:
        environ, server = {"DATABASE_URL": URL}, Server("another")
        services = load(environ)
        environ |= {"DATABASE_URL": URL.replace(MARKER, "another"), "NEXT_DATABASE_URL": OTHER}
        assert login(services, server)
        assert list(services) == ["database", "next"]

    def test_a_demand_of_a_variable_that_is_gone(self, login: Callable[..., str]) -> None:
        environ, server = {"DATABASE_URL": URL, "PGREQUIREAUTH": "scram-sha-256"}, Server("another")
        services = load(environ)
        environ.clear()
        environ["DATABASE_URL"] = URL.replace(MARKER, "another")
        with pytest.raises(Refused) as caught:
            login(services, server)
        assert "the TLS settings of database are weaker than before" in caught.value.__notes__[0]

    def test_an_endpoint_that_is_gone(self, login: Callable[..., str]) -> None:
        environ, server = {"DATABASE_URL": URL, "DATABASE_REPLICA_URL": OTHER}, Server("another")
        view = load(environ).connection(replica=True)
        del environ["DATABASE_REPLICA_URL"]
        with pytest.raises(Refused) as caught:
            login(view, server)
        assert "is no longer set" in caught.value.__notes__[0]

    def test_a_connection_of_services_follows(self, login: Callable[..., str]) -> None:
        environ, server = {"DATABASE_URL": URL}, Server("another")
        connection = load(environ).database
        environ["DATABASE_URL"] = URL.replace(MARKER, "another")
        assert login(connection, server) == "db.example.com"
        assert len(server.tried) == 2
        assert login(connection, server)
        assert len(server.tried) == 3, "it is in use by now"

    def test_a_connection_alone_is_tried_once(self, login: Callable[..., str]) -> None:
        server = Server("another")
        with pytest.raises(Refused):
            login(envconn.secure(URL), server)
        with pytest.raises(Refused):
            login(Services(select_services({"DATABASE_URL": URL}, None)), server)
        assert len(server.tried) == 2

    def test_what_we_refuse_ourselves_is_final(self, login: Callable[..., str]) -> None:
        environ, tried = {"DATABASE_URL": URL}, []

        class Unable(Server):
            def connect(self, connection: SecuredConnection) -> NoReturn:
                tried.append(connection)
                raise ConfigurationError([])

        services = load(environ)
        environ["DATABASE_URL"] = OTHER
        with pytest.raises(ConfigurationError):
            login(services, Unable(""))
        assert len(tried) == 1

    @pytest.mark.parametrize("unjudged", [URL, envconn.parse(URL)])
    def test_what_was_not_judged(self, login: Callable[..., str], unjudged: object) -> None:
        with pytest.raises(TypeError):
            login(unjudged, Server(MARKER))


def test_many_threads_read_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Fifty logins fail together; one of them reads and tells, all of them succeed."""
    caplog.set_level(logging.INFO, "envconn")
    environ, server = {"DATABASE_URL": URL}, Server("another")
    services, together, readings = load(environ), threading.Barrier(50), []
    environ["DATABASE_URL"] = URL.replace(MARKER, "another")

    def slow(*given: object) -> object:
        readings.append(given)
        time.sleep(0.2)
        return select_services(*given)  # type: ignore[arg-type]

    monkeypatch.setattr("envconn.rotation.reload.select_services", slow)

    def connect(connection: SecuredConnection) -> str:
        if connection.password == envconn.Secret(MARKER):
            together.wait(10)
        return server.connect(connection)

    threads = [threading.Thread(target=log_in, args=(services, connect)) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(server.tried) == 100
    assert len(readings) == 1
    assert caplog.messages == ["loaded the configuration again after a failed login: database: changed password"]


def test_a_reason_is_told_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """And again when it is another one, after a minute, and after the configuration has been right."""
    environ, server = {"DATABASE_URL": URL}, Server("another")
    services = load(environ)

    def fail(text: str, times: int = 20) -> int:
        environ["DATABASE_URL"] = text
        caplog.clear()
        for _ in range(times):
            with pytest.raises(Refused) as caught:
                log_in(services, server.connect)
            assert caught.value.__notes__
        return len(caplog.messages)

    assert [fail("half://"), fail("half://"), fail("postgresql://")] == [1, 0, 1]
    monkeypatch.setattr("envconn.rotation.reload.QUIET", 0.0)
    assert fail("postgresql://", 3) == 3
    monkeypatch.undo()
    environ["DATABASE_URL"] = URL.replace(MARKER, "another")
    assert log_in(services, server.connect)
    server.password = "third"
    assert fail("postgresql://") == 1


def test_a_reading_from_before_the_failure_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    environ, server = {"DATABASE_URL": URL}, Server("another")
    services = load(environ)
    for password in ("another", "third"):
        with pytest.raises(Refused):
            log_in(services, Server("none of them").connect)
        server.password = password
        environ["DATABASE_URL"] = URL.replace(MARKER, password)
        assert log_in(services, server.connect)


def test_a_file_that_changes_during_the_login_is_found() -> None:
    """Another thread has read after the login had begun, and found nothing new yet."""
    environ, server = {"DATABASE_URL": URL}, Server("another")
    services = load(environ)

    def connect(connection: SecuredConnection) -> str:
        if not server.tried:
            with pytest.raises(Refused):
                log_in(services, Server("none of them").connect)
            environ["DATABASE_URL"] = URL.replace(MARKER, "another")
        return server.connect(connection)

    assert log_in(services, connect) == "db.example.com"


def test_a_reading_in_use_is_not_repeated() -> None:
    """It was read before this login began, and in use before it failed; the file is broken by then."""
    environ, server = {"DATABASE_URL": URL}, Server("another")
    services = load(environ)
    kept = services._current
    environ["DATABASE_URL"] = URL.replace(MARKER, "another")
    reading = kept.reread(time.monotonic())

    def connect(connection: SecuredConnection) -> str:
        if not server.tried:
            kept.adopt(reading)
            environ["DATABASE_URL"] = "rubbish"
        return server.connect(connection)

    assert log_in(services, connect) == "db.example.com"


def test_another_thread_was_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    environ, server = {"DATABASE_URL": URL}, Server("another")
    services = load(environ)

    def connect(connection: SecuredConnection) -> str:
        if not server.tried:
            environ["DATABASE_URL"] = URL.replace(MARKER, "another")
            services.reload()
            environ["DATABASE_URL"] = "rubbish, which nobody reads"
        return server.connect(connection)

    assert log_in(services, connect) == "db.example.com"


def test_an_older_reading_does_not_replace_a_later_one() -> None:
    environ = {"DATABASE_URL": URL}
    services = load(environ)
    environ["DATABASE_URL"] = URL.replace(MARKER, "another")

    def connect(connection: SecuredConnection) -> str:
        if connection.password == envconn.Secret(MARKER):
            raise Refused
        environ["DATABASE_URL"] = OTHER
        services.reload()
        return connection.host

    assert log_in(services, connect) == "db.example.com"
    assert services.database.host == "other.example.com"


def test_a_reader_that_never_ends_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    services = load({"DATABASE_URL": URL})
    monkeypatch.setattr("envconn.rotation.reload.PATIENCE", 0.05)
    thread = threading.Thread(target=services._current._lock.acquire)
    thread.start()
    thread.join()
    assert not services.reload()
    assert not services.reload()


def test_a_signal_s_handler_may_reload(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a reading, in the thread that reads; what it finds is later, and stays in use."""
    environ = {"DATABASE_URL": URL}
    services = load(environ)

    def interrupted(*given: object) -> object:
        found = select_services(*given)  # type: ignore[arg-type]
        monkeypatch.setattr("envconn.rotation.reload.select_services", select_services)
        environ["DATABASE_URL"] = OTHER
        signal.raise_signal(signal.SIGHUP)
        return found

    monkeypatch.setattr("envconn.rotation.reload.select_services", interrupted)
    before, began = signal.signal(signal.SIGHUP, lambda *_: services.reload()), time.monotonic()
    try:
        assert services.reload().changed == {"database": ("host",)}
    finally:
        signal.signal(signal.SIGHUP, before)
    assert time.monotonic() - began < 1
    assert services.database.host == "other.example.com"


@pytest.mark.parametrize("source", ["services", "environment"])
def test_a_file_that_hangs_does_not_stop_the_event_loop(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    services, over, server = envconn.load(env_file=None), threading.Event(), Server("another")

    def hangs(*given: object) -> object:
        assert over.wait(10)
        return select_services(*given)  # type: ignore[arg-type]

    async def both() -> tuple[object, object]:
        async def tick() -> None:
            for _ in range(5):
                await asyncio.sleep(0.01)
            over.set()

        login = alogin(services if source == "services" else ENVIRONMENT, server.aconnect)
        return await asyncio.gather(login, tick(), return_exceptions=True)

    monkeypatch.setattr("envconn.rotation.reload.select_services", hangs)
    refused, _ = asyncio.run(both())
    assert isinstance(refused, Refused)


FORKED = """
import os, signal, threading
import envconn

services = envconn.load({"DATABASE_URL": "postgresql://app@localhost/app"}, env_file=None)
ours = services._current
read, reading, forked = ours._read, threading.Event(), threading.Event()

def slowly():
    reading.set()
    forked.wait(30)
    return read()

ours._read = slowly
thread = threading.Thread(target=services.reload)
thread.start()
reading.wait(30)
child = os.fork()
if not child:
    signal.alarm(3)  # before the patience of a thread ends
    ours._read = read
    services.reload()
    os._exit(7)
forked.set()
thread.join(30)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_fork_in_the_middle_of_a_reading() -> None:
    assert subprocess.run([sys.executable, "-c", FORKED], check=False, timeout=60).returncode == 7


def test_a_fork_has_a_lock_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread of the child would release the lock that a thread of the parent holds."""
    services = envconn.load({"DATABASE_URL": "postgresql://app@localhost/app"}, env_file=None)
    holder = threading.Thread(target=services._current._taken)
    holder.start()
    holder.join(10)
    held = services._current._lock
    monkeypatch.setattr(os, "getpid", lambda: -1)
    services.reload()
    assert services._current._lock is not held
    assert services._current._owner == -1
