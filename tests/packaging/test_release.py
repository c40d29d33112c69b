"""What is uploaded: the same bytes twice, checked by packagers' tools; and that the forge's files say what holds."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.checkout

PACKAGERS = ("Checking ", ": OK\n", "Valid file: pyproject.toml\n", "Final rating: 10/10\n")


@pytest.fixture
def version(checkout: Path) -> str:
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def release(
    checkout: Path, tag: str, target: Path, directory: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(checkout / "tests" / "release"), tag, str(target)],
        check=False,
        cwd=directory,
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
    done = release(checkout, f"v{version}", Path("first"), tmp_path)
    assert done.returncode == 0, done.stdout
    assert [words for words in PACKAGERS if words not in done.stdout] == []
    assert release(checkout, f"v{version}", second, TZ="Asia/Tokyo", PYTHONHASHSEED="1").returncode == 0
    assert set(digests(first)) == {f"envconn-{version}.tar.gz", f"envconn-{version}-py3-none-any.whl"}
    assert digests(first) == digests(second)


@pytest.mark.exhaustive
def test_a_directory_with_files_is_not_built_into(checkout: Path, version: str, tmp_path: Path) -> None:
    (tmp_path / "stale.whl").touch()
    done = release(checkout, f"v{version}", tmp_path)
    assert (done.returncode, f"{tmp_path} is not empty" in done.stdout) == (64, True)
    assert [path.name for path in tmp_path.iterdir()] == ["stale.whl"]


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
        uses = [each for each in re.findall(r"uses: (.*)", text) if not each.startswith("./")]
        assert uses
        assert [each for each in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", each)] == []


def test_what_may_attest_or_publish_installs_nothing(checkout: Path) -> None:
    text = (checkout / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    trusted = {name for name, job in jobs.items() if "id-token" in job["permissions"]}
    assert trusted == {"attest", "publish"}
    used = {step.get("uses", "").split("@")[0] for name in trusted for step in jobs[name]["steps"]}
    assert used == {
        *("actions/download-artifact", "actions/attest-build-provenance"),
        "pypa/gh-action-pypi-publish",
    }
    assert jobs["test"]["uses"] == "./.github/workflows/ci.yml"
    assert (jobs["attest"]["needs"], jobs["publish"]["needs"]) == (["test", "build"], "attest")


def test_what_is_old_on_purpose_stays_old(checkout: Path) -> None:
    text = (checkout / ".github" / "dependabot.yml").read_text(encoding="utf-8")
    pip = next(each for each in yaml.safe_load(text)["updates"] if each["package-ecosystem"] == "pip")
    pinned = {f"/{path.parent.relative_to(checkout)}" for path in checkout.glob("[et]*/**/*.in")}
    assert set(pip["directories"]) == pinned
    left_out = {f"{folder}{name}.*" for folder in ("", "tests/corners/") for name in ("oldest", "middle")}
    assert set(pip["exclude-paths"]) == left_out


def test_the_form_for_issues_leads_to_the_security_policy(checkout: Path) -> None:
    forms = checkout / ".github" / "ISSUE_TEMPLATE"
    (link,) = yaml.safe_load((forms / "config.yml").read_text(encoding="utf-8"))["contact_links"]
    site = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["metadata"]
    assert link["url"] == site["hooks"]["custom"]["addresses"]["site"] + "vulnerabilities/"
    assert "(../security/policy)" in (forms / "bug.yml").read_text(encoding="utf-8")


def test_hooks_run_the_versions_of_the_tests(checkout: Path) -> None:
    pinned = (checkout / "tests" / "requirements.txt").read_text(encoding="utf-8")
    hooks = yaml.safe_load((checkout / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    needs = [need for hook in hooks for need in hook["additional_dependencies"]]
    assert len(needs) == len(hooks)
    assert [need for need in needs if f"\n{need} \\\n" not in pinned] == []
