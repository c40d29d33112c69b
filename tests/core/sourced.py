"""A model whose class adds settings sources, and what it shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from pydantic_settings import EnvSettingsSource

import envconn
from leaks import MARKER, find, value_surfaces

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from pydantic_settings import PydanticBaseSettingsSource, SettingsConfigDict

__all__ = [
    "HOST",
    "MARKER",
    "RDS",
    "URL",
    "Refused",
    "Vault",
    "VaultSource",
    "adding",
    "holding",
    "other",
    "shown",
    "unrelated",
]

HOST = "db.example.com"
URL = f"postgresql://app:{MARKER}@{HOST}/app"
RDS = {"engine": "postgres", "host": HOST, "port": 5432, "dbname": "app", "username": "app", "password": MARKER}


def other(name: str) -> str:
    """Return a URL of another host."""
    return URL.replace(HOST, f"{name}.example.com")


def adding(*makes: Callable[[Any], PydanticBaseSettingsSource], first: bool = False, **config: Any) -> Any:
    """Return a subclass of `envconn.Settings` that adds what `makes` return behind, or before, what is there."""

    class App(envconn.Settings):
        model_config = cast("SettingsConfigDict", config)

        debug: bool = False

        @classmethod
        def settings_customise_sources(cls, *args: Any, **kwargs: Any) -> tuple[PydanticBaseSettingsSource, ...]:
            usual = super().settings_customise_sources(*args, **kwargs)
            made = tuple(make(cls) for make in makes)
            return (*made, *usual) if first else (*usual, *made)

    return App


def unrelated(settings: Any) -> dict[str, Any]:
    """Return the extras of `settings`, without which most have none."""
    return dict(settings.model_extra or {})


def shown(settings: Any, log: pytest.LogCaptureFixture) -> dict[str, str]:
    """Return where the marker shows in what people, serializers and the debugging log of pydantic-settings say."""
    looks = {
        "dump": repr(settings.model_dump()),
        "by alias": repr(settings.model_dump(by_alias=True)),
        "json": settings.model_dump_json(),
        "report": str(settings.services.report()) + json.dumps(settings.services.report().as_dict()),
        "schema": json.dumps(type(settings).model_json_schema()),
        "log": log.text,
    }
    return find(MARKER, looks | value_surfaces(settings))


class Vault(Mapping[str, str | None]):
    """Texts by name, of which it remembers what was asked for; one that is an exception cannot be had."""

    def __init__(self, **texts: Any) -> None:
        self.texts = texts
        self.asked: list[str] = []
        self.listed = 0

    def __getitem__(self, name: str) -> str | None:
        text: Any = self.texts[name]
        self.asked.append(name)
        if isinstance(text, Exception):
            raise text
        return text  # type: ignore[no-any-return]

    def __contains__(self, name: object) -> bool:
        return name in self.texts

    def __iter__(self) -> Iterator[str]:
        self.listed += 1
        return iter(self.texts)

    def __len__(self) -> int:
        return len(self.texts)


class VaultSource(EnvSettingsSource):
    def __init__(self, cls: Any, vault: Mapping[str, Any], **options: Any) -> None:
        self.vault = vault
        super().__init__(cls, **options)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self.vault


def holding(vault: Mapping[str, Any], **options: Any) -> Callable[[Any], VaultSource]:
    return lambda cls: VaultSource(cls, vault, **options)


class Refused(Exception):
    status_code = 403
