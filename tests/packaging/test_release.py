"""What is uploaded: the same bytes twice, checked by packagers' tools; and that the forge's files say what holds."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tomllib
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.checkout

PACKAGERS = ("Checking ", ": OK\n", "Valid file: pyproject.toml\n", "Final rating: 10/10\n")


@pytest.fixture
def version(checkout: Path) -> str:
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def release(checkout: Path, tag: str, target: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(checkout / "tests" / "release"), tag, str(target)],
        check=False,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.exhaustive
def test_a_release_is_built_twice_with_the_same_bytes(checkout: Path, version: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    done = release(checkout, f"v{version}", first)
    assert done.returncode == 0, done.stdout
    assert [words for words in PACKAGERS if words not in done.stdout] == []
    assert release(checkout, f"v{version}", second, TZ="Asia/Tokyo", PYTHONHASHSEED="1").returncode == 0
    assert set(digests(first)) == {f"envconn-{version}.tar.gz", f"envconn-{version}-py3-none-any.whl"}
    assert digests(first) == digests(second)


@pytest.mark.exhaustive
def test_a_tag_that_is_not_the_version_builds_nothing(checkout: Path, tmp_path: Path) -> None:
    done = release(checkout, "v9.9.9", tmp_path / "dist")
    assert (done.returncode, "the tag is v9.9.9" in done.stdout) == (64, True)
    assert not (tmp_path / "dist").exists()


SCHEMAS = {
    "workflows/*.yml": ("vendor.github-workflows", "custom.github-workflows-require-timeout"),
    "dependabot.yml": ("vendor.dependabot",),
    "ISSUE_TEMPLATE/[!c]*.yml": ("vendor.github-issue-forms",),
    "ISSUE_TEMPLATE/config.yml": ("vendor.github-issue-config",),
}


@pytest.mark.parametrize("pattern", SCHEMAS)
def test_the_files_of_the_forge_are_valid(pattern: str, checkout: Path) -> None:
    from check_jsonschema import main

    paths = sorted(map(str, (checkout / ".github").glob(pattern)))
    assert paths
    for schema in SCHEMAS[pattern]:
        with pytest.raises(SystemExit) as done:
            main(["--builtin-schema", schema, *paths])
        assert done.value.code == 0


def test_actions_are_pinned_and_rights_are_given_one_by_one(checkout: Path) -> None:
    for path in (checkout / ".github" / "workflows").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        assert yaml.safe_load(text)["permissions"] == {}
        uses = re.findall(r"uses: (.*)", text)
        assert uses
        assert [each for each in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", each)] == []


def test_hooks_run_the_versions_of_the_tests(checkout: Path) -> None:
    pinned = (checkout / "tests" / "requirements.txt").read_text(encoding="utf-8")
    hooks = yaml.safe_load((checkout / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    needs = [need for hook in hooks for need in hook["additional_dependencies"]]
    assert len(needs) == len(hooks)
    assert [need for need in needs if f"\n{need} \\\n" not in pinned] == []
