"""The parts of the metadata that hold addresses: made of one address, which stands in pyproject.toml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

RELATIVE = re.compile(r"(?<=]\()(?!\w+:|#)")
"""Where the target of a link in Markdown begins, unless it is an address or an anchor of the same page."""
PAGES = {
    "Documentation": "docs/getting-started.md",
    "Source": "",
    "Changelog": "CHANGELOG.md",
    "Security": "SECURITY.md",
}


class Addresses(MetadataHookInterface):
    """Sets the project's addresses, and makes the links of the README lead there from a package index."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add ``readme`` and ``urls``; `metadata` is the table ``project``."""
        site = self.config["site"]
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": RELATIVE.sub(site, text)}
        metadata["urls"] = {name: f"{site}{page}" for name, page in PAGES.items()}
