"""The recipes of examples/boot_gate as their platforms read them: command lines, environments, limits of time.

What a platform would fill in (a secret's value, a mounted file, a port) is for the tests to fill in, by `Bench`.
"""

from __future__ import annotations

import re
import shlex
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

import deployed

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["APP", "FOLDER", "Bench", "Recipe", "found", "manifest", "options", "seconds", "unit"]

FOLDER = deployed.EXAMPLES / "boot_gate"
APP = deployed.EXAMPLES / "flask_app"
# How a runner starts the lines of a step, by its `shell`.
_SHELLS = {None: "bash -e", "bash": "bash --noprofile --norc -eo pipefail"}


class Recipe(NamedTuple):
    """One command of one file, and the variables that the file gives it."""

    command: list[str]
    variables: Mapping[str, str] = {}

    @property
    def words(self) -> list[str]:
        """The words of the command line, also where it is one for a shell, or for a shell's shell."""
        if self.command[:1] != ["sh"]:
            return self.command
        return [word for each in shlex.split(self.command[-1]) for word in each.split()]

    @property
    def logs_in(self) -> bool:
        """Whether a wrong password is found out."""
        return "--login" in self.words


def found() -> dict[str, Recipe]:
    """Return every command that a file in the folder gives to a platform."""
    lines = deployed.procfile(FOLDER)
    # Neither file says anything about variables: Scalingo states the address, people the rest.
    ours = {"DATABASE_CA_CERT": "", "ENVCONN_TLS": "verify-full"}
    scalingo = {"SCALINGO_POSTGRESQL_URL": "", **ours}
    return {
        "docker": Recipe(deployed.image(FOLDER), {"DATABASE_URL": "", **ours}),
        "scalingo web": Recipe(lines["web"], scalingo),
        "scalingo postdeploy": Recipe(lines["postdeploy"], scalingo),
        **_kubernetes(),
        "systemd": _service("envconn-app.service", "ExecStart"),
        "systemd drop-in": _service("gate-first.conf", "ExecStartPre"),
        **_compose(),
        "actions": _actions(),
    }


def manifest(name: str) -> list[Any]:
    """Return the documents of a YAML file."""
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def _kubernetes() -> dict[str, Recipe]:
    secret, deployment = manifest("kubernetes.yaml")
    pod = deployment["spec"]["template"]["spec"]
    (gate,), (web,) = pod["initContainers"], pod["containers"]
    assert {each["secretRef"]["name"] for each in gate["envFrom"] + web["envFrom"]} == {secret["metadata"]["name"]}
    variables = [
        {**secret["stringData"], **{each["name"]: each["value"] for each in container["env"]}}
        for container in (gate, web)
    ]
    return {
        "kubernetes init": Recipe(gate["command"], variables[0]),
        "kubernetes web": Recipe(deployed.image(FOLDER, web.get("args")), variables[1]),
        "kubernetes probe": Recipe(web["readinessProbe"]["exec"]["command"], variables[1]),
    }


def unit(name: str) -> dict[str, list[str]]:
    """Return the values of each key of a systemd unit; no key of ours means different things in different sections."""
    text = (FOLDER / name).read_text(encoding="utf-8").replace("\\\n", " ")
    values: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE):
        values.setdefault(key, []).append(value)
    return values


def _service(name: str, key: str) -> Recipe:
    values = unit(name)
    (line,) = values[key]
    pairs = [pair.partition("=")[::2] for each in values["Environment"] for pair in shlex.split(each)]
    return Recipe(shlex.split(line), dict(pairs))


def _compose() -> dict[str, Recipe]:
    (document,) = manifest("compose.yaml")
    tables, web = document["services"]["tables"], document["services"]["web"]
    kind, *health = web["healthcheck"]["test"]
    assert kind == "CMD"
    return {
        "compose tables": Recipe(deployed.image(FOLDER, tables["command"]), tables["environment"]),
        "compose web": Recipe(deployed.image(FOLDER, web.get("command")), web["environment"]),
        "compose health": Recipe(health, web["environment"]),
    }


def _actions() -> Recipe:
    (document,) = manifest("github-actions.yaml")
    (job,) = document["jobs"].values()
    gate, deploy = job["steps"][-2:]
    steps = [f"{_SHELLS[step.get('shell')]} -c {shlex.quote(step['run'])}" for step in (gate, deploy)]
    # A runner starts no step after one that failed, and ends with the code of that one.
    return Recipe(["sh", "-c", " && ".join(steps)], {**gate["env"], "GITHUB_ACTIONS": "true"})


@cache
def options(command: str) -> set[str]:
    """Return the options that `envconn COMMAND --help` knows."""
    done = deployed.run(["envconn", command, "--help"], APP, deployed.environment(COLUMNS="200"))
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", done.stdout))


def seconds(recipe: Recipe, option: str) -> float:
    """Return the value of ``--wait`` or ``--timeout``."""
    return float(recipe.words[recipe.words.index(option) + 1])


class Bench:
    """A platform in a directory: programs where the files expect them, secrets where they are mounted, a free port.

    `started` is a file that is there once anything behind a gate was.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = deployed.free_port()
        self.started = directory / "started"
        self.programs = directory / "bin"
        self.programs.mkdir()
        (self.programs / "envconn").symlink_to(Path(sys.executable).with_name("envconn"))
        self._program(self.programs / "python", f'exec {sys.executable} "$@"')
        self._program(directory / "deploy", "echo deployed")

    def _program(self, path: Path, line: str) -> None:
        path.write_text(f"#!/bin/sh\n: >{self.started}\n{line}\n", encoding="utf-8")
        path.chmod(0o755)

    def command(self, recipe: Recipe, wait: str | None = None) -> list[str]:
        """Return the command line, with the free port, and `wait` in place of the seconds it would wait."""
        changed = [
            each.replace("8000", str(self.port)).replace("/srv/envconn-app/bin", str(self.programs))
            for each in recipe.command
        ]
        if wait is None:
            return changed
        return [
            wait if before == "--wait" else re.sub(r"(?<=--wait )\d+", wait, each)
            for before, each in zip(["", *changed], changed, strict=False)
        ]

    def environment(self, recipe: Recipe, uri: str, ca: Path) -> dict[str, str]:
        """Return the variables: those of the file, with the address and the CA that were meant."""
        variables = deployed.environment(PORT=str(self.port), TMPDIR=str(self.directory))
        variables["PATH"] = f"{self.programs}:{variables['PATH']}"
        for name, value in recipe.variables.items():
            variables[name] = self._filled_in(name, value, uri, ca)
        return variables

    def _filled_in(self, name: str, value: str, uri: str, ca: Path) -> str:
        if name == "DATABASE_URL_FILE":
            mounted = self.directory / Path(value).name
            mounted.write_text(f"{uri}\n", encoding="utf-8")
            return str(mounted)
        if name == "TMPDIR":
            return str(self.directory)
        return {
            "DATABASE_URL": uri,
            "SCALINGO_POSTGRESQL_URL": uri,
            "DATABASE_CA_CERT": ca.read_text(encoding="ascii"),
        }.get(name, value)

    def folder(self, recipe: Recipe) -> Path:
        """Return the working directory: a checkout with a ``deploy`` for the workflow, the application for the rest."""
        return self.directory if "GITHUB_ACTIONS" in recipe.variables else APP
