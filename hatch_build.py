"""The parts of the metadata that hold addresses, which are made of the two in pyproject.toml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

RELATIVE = re.compile(r"(?<=]\()(?!\w+:|#)([\w./-]+)")
"""The target of a link in Markdown, unless it is an address or an anchor of the same page."""
PAGES = {"Documentation": "README.md", "Codes": "docs/codes.md", "Changelog": "CHANGELOG.md", "Security": "SECURITY.md"}
NAMES = {"README.md": "", "SECURITY.md": "vulnerabilities/"}
"""Files whose page on the site is not called as they are."""


def page(file: str) -> str:
    """Return the path on the site of a Markdown `file` of the repository: that of docs/codes.md is ``codes/``."""
    name = file.removeprefix("docs/").removesuffix("/README.md").removesuffix(".md").lower()
    return NAMES.get(file, f"{name}/")


class Addresses(MetadataHookInterface):
    """Sets the project's addresses, and makes the links of the README lead there from a package index."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add ``authors``, ``readme`` and ``urls``; `metadata` is the table ``project``."""
        site, repository, mail = (self.config["addresses"][name] for name in ("site", "repository", "mail"))
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        linked = RELATIVE.sub(lambda target: site + page(target[0]), text)
        metadata["readme"] = {"content-type": "text/markdown", "text": linked}
        metadata["authors"] = [{"name": "The envconn developers", "email": mail}]
        others = {"Source": repository, "Issues": f"{repository}/issues"}
        metadata["urls"] = {**{name: site + page(file) for name, file in PAGES.items()}, **others}
