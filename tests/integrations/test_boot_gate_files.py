"""What the files of examples/boot_gate say beside their commands: keys, limits of time, options, no secrets."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import deployed
import recipes
from recipes import FOLDER

FOUND = recipes.found()
START = 10  # seconds that a server may take until it listens
BEHIND = {"init": "web"}


@cache
def options(command: str) -> set[str]:
    """The options that `envconn COMMAND --help` knows."""
    done = deployed.run(["envconn", command, "--help"], Path(), deployed.environment(COLUMNS="200"))
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", done.stdout))


@pytest.mark.parametrize("name", FOUND)
def test_every_option_exists(name: str) -> None:
    gates = re.findall(r"envconn (\w+)((?: -[-\w]*| \d+)*)", " ".join(FOUND[name].words))
    assert gates
    for command, written in gates:
        assert set(re.findall(r"--[a-z][a-z-]*", written)) <= options(command)


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
    assert recipes.seconds(FOUND["kubernetes probe"], "--within") < readiness["timeoutSeconds"]
    assert readiness["timeoutSeconds"] < readiness["periodSeconds"]
    assert {port["containerPort"] for port in web["ports"]} == {8000}


@pytest.mark.parametrize(("name", "file"), [("systemd", "envconn-app.service"), ("systemd drop-in", "gate-first.conf")])
def test_systemd_waits_longer(name: str, file: str) -> None:
    (limit,) = recipes.unit(file)["TimeoutStartSec"]
    assert recipes.seconds(FOUND[name], "--wait") + START <= float(limit)


def test_systemd_counts_what_fails_at_once_and_not_what_was_waited_for() -> None:
    unit = recipes.unit("gate-first.conf")
    interval, burst, pause = (
        float(unit[key][0]) for key in ("StartLimitIntervalSec", "StartLimitBurst", "RestartSec")
    )
    assert burst * (recipes.seconds(FOUND["systemd drop-in"], "--wait") + pause) > interval
    assert burst * (10 + pause) < interval, "an attempt takes ten seconds at most"


def test_compose_waits_longer() -> None:
    health = recipes.manifest("compose.yaml")[0]["services"]["web"]["healthcheck"]
    assert recipes.seconds(FOUND["compose health"], "--within") + 3 < int(health["timeout"].removesuffix("s"))
    assert recipes.seconds(FOUND["compose web"], "--wait") + START <= int(health["start_period"].removesuffix("s"))


# Keys and values


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
    command = [str(Path(sys.executable).with_name("check-jsonschema")), "--builtin-schema", schema, str(file)]
    return deployed.run(command, directory, deployed.environment()).returncode == 0


def test_systemd_knows_every_key(tmp_path: Path) -> None:
    unit = (FOLDER / "envconn-app.service").read_text(encoding="utf-8").replace("/srv/envconn-app/bin/", "/bin/sh ")
    service = tmp_path / "envconn-app.service"
    service.write_text(unit, encoding="utf-8")
    dropped = tmp_path / "envconn-app.service.d"
    dropped.mkdir()
    shutil.copy(FOLDER / "gate-first.conf", dropped)
    assert unit.count("\n[") == 3


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
