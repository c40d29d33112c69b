"""What the files of examples/boot_gate say beside their commands: keys, limits of time, options, no secrets."""

from __future__ import annotations

import configparser
import re
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

import deployed
import recipes
from recipes import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

FOUND = recipes.found()
# Seconds: for the last attempt, which may begin when --wait is over, and for a server until it listens.
START = 10 + 10


@pytest.mark.parametrize("name", FOUND)
def test_every_option_exists(name: str) -> None:
    gates = re.findall(r"envconn (\w+)((?: -[-\w]*| \d+)*)", " ".join(FOUND[name].words))
    assert gates
    for command, written in gates:
        assert set(re.findall(r"--[a-z][a-z-]*", written)) <= recipes.options(command)


@pytest.mark.parametrize("name", FOUND)
def test_every_command_contacts_the_server(name: str) -> None:
    assert "--live" in FOUND[name].words


# A platform that gives up before the gate does would hide the reason.


def test_scalingo_waits_longer_for_a_port() -> None:
    assert recipes.seconds(FOUND["scalingo web"], "--wait") + START <= 60


def test_kubernetes_waits_longer() -> None:
    web = recipes.manifest("kubernetes.yaml")[1]["spec"]["template"]["spec"]["containers"][0]
    startup, readiness = web["startupProbe"], web["readinessProbe"]
    wait = recipes.seconds(FOUND["kubernetes web"], "--wait")
    assert wait + START <= startup["periodSeconds"] * startup["failureThreshold"]
    assert recipes.seconds(FOUND["kubernetes probe"], "--timeout") < readiness["timeoutSeconds"]
    assert readiness["timeoutSeconds"] < readiness["periodSeconds"]
    assert {port["containerPort"] for port in web["ports"]} == {8000}


@pytest.mark.parametrize(("name", "file"), [("systemd", "envconn-app.service"), ("systemd drop-in", "gate-first.conf")])
def test_systemd_waits_longer(name: str, file: str) -> None:
    (limit,) = recipes.unit(file)["TimeoutStartSec"]
    assert recipes.seconds(FOUND[name], "--wait") + START <= float(limit)


def test_systemd_counts_what_fails_at_once_and_not_what_was_waited_for() -> None:
    unit = recipes.unit("gate-first.conf")
    interval, burst, pause = (float(unit[key][0]) for key in ("StartLimitIntervalSec", "StartLimitBurst", "RestartSec"))
    assert burst * (recipes.seconds(FOUND["systemd drop-in"], "--wait") + pause) > interval
    assert burst * (10 + pause) < interval, "an attempt takes ten seconds at most"


def test_compose_waits_longer() -> None:
    health = recipes.manifest("compose.yaml")[0]["services"]["web"]["healthcheck"]
    assert recipes.seconds(FOUND["compose health"], "--timeout") + 3 < int(health["timeout"].removesuffix("s"))
    assert recipes.seconds(FOUND["compose web"], "--wait") + START <= int(health["start_period"].removesuffix("s"))


# Keys and values


def test_secrets_are_mounted_where_the_variable_says() -> None:
    (compose,) = recipes.manifest("compose.yaml")
    for name in ("tables", "web"):
        (secret,) = compose["services"][name]["secrets"]
        assert compose["services"][name]["environment"]["DATABASE_URL_FILE"] == f"/run/secrets/{secret}"
        assert secret in compose["secrets"]
    for file in ("envconn-app.service", "gate-first.conf"):
        unit = recipes.unit(file)
        credential = unit["LoadCredential"][0].partition(":")[0]
        assert f"DATABASE_URL_FILE=%d/{credential}" in unit["Environment"]


@pytest.mark.parametrize(
    ("name", "schema"), [("compose.yaml", "vendor.compose-spec"), ("github-actions.yaml", "vendor.github-workflows")]
)
def test_the_published_schema_knows_every_key(tmp_path: Path, name: str, schema: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert fits(schema, text, tmp_path)
    assert not fits(schema, text.replace("\nname: ", "\nnames: ", 1) + "\njob: {}\n", tmp_path)


def fits(schema: str, text: str, directory: Path) -> bool:
    file = directory / "file.yaml"
    file.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)]
    return deployed.run(command, directory, deployed.environment()).returncode == 0


# From systemd.unit(5), systemd.service(5), systemd.exec(5) and systemd.resource-control(5).
KEYS = {
    "Unit": {"Description", "Wants", "After", "StartLimitIntervalSec", "StartLimitBurst"},
    "Service": {
        *("Type", "ExecStart", "ExecStartPre", "TimeoutStartSec", "Restart", "RestartSec", "RestartPreventExitStatus"),
        *("WorkingDirectory", "LoadCredential", "Environment", "DynamicUser", "CapabilityBoundingSet"),
        *("NoNewPrivileges", "PrivateDevices", "PrivateTmp", "ProtectClock", "ProtectControlGroups", "ProtectHome"),
        *("ProtectKernelModules", "ProtectKernelTunables", "ProtectSystem", "RestrictAddressFamilies"),
        *("RestrictNamespaces", "SystemCallArchitectures", "SystemCallFilter"),
    },
    "Install": {"WantedBy"},
}


@pytest.mark.parametrize("name", ["envconn-app.service", "gate-first.conf"])
def test_systemd_knows_every_key(tmp_path: Path, name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert complaints(text, tmp_path) == set()
    assert complaints(text.replace("\nRestart=", "\nRestarts="), tmp_path) == {"Restarts"}


def complaints(text: str, directory: Path) -> set[str]:
    """The keys that do not belong where they are: by `KEYS`, and by systemd, where it is installed."""
    sections = configparser.RawConfigParser(strict=False)
    sections.optionxform = str  # type: ignore[assignment,method-assign]
    sections.read_string(text)
    unknown = {key for name in sections.sections() for key in sections[name] if key not in KEYS[name]}
    if systemd := shutil.which("systemd-analyze"):
        unit = directory / "envconn-app.service"
        # Its programs are not here; a drop-in is a unit only with something to start.
        text = re.sub("/srv/envconn-app/bin/envconn", "/bin/sh", text)
        unit.write_text(text if "\nExecStart=" in text else f"{text}\nExecStart=/bin/sh\n", encoding="utf-8")
        output = deployed.run([systemd, "verify", str(unit)], directory, deployed.environment()).stderr
        assert {*re.findall("Unknown key(?: name)? '([^']*)'", output)} == unknown, output
        assert unknown or not output, output
    return unknown


def test_the_pod_is_locked_down() -> None:
    pod = recipes.manifest("kubernetes.yaml")[1]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in pod["initContainers"] + pod["containers"]:
        locked = container["securityContext"]
        assert (locked["readOnlyRootFilesystem"], locked["allowPrivilegeEscalation"]) == (True, False)
        temporary = next(each["value"] for each in container["env"] if each["name"] == "TMPDIR")
        assert {mount["mountPath"] for mount in container["volumeMounts"]} == {temporary}
    assert re.search(r"^USER [1-9]\d*:", (FOLDER / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_no_file_holds_what_looks_like_a_secret(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"://[^/@\s]*:([^/@\s]*)@", text)) <= {"PASSWORD"}
    assert not re.search(r"BEGIN|[A-Za-z0-9+/]{40}", text)
