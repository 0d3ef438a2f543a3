"""Where settings come from besides the environment: files that variables name, and the vault."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from t5g.errors import SettingsError
from t5g.vault import Vault

PREFIX = "T5G_"


class FileSource(EnvSettingsSource):
    """Reads a setting from the file that `T5G_NAME_FILE` names (as container secrets arrive).

    It stands before the environment: an empty variable, as from an example file, must not win over
    a file that is named; one that says something does.
    """

    def __call__(self) -> dict[str, Any]:
        """Return what the files hold. Raises SettingsError if one can not be read."""
        found: dict[str, Any] = {}
        for name in self.settings_cls.model_fields:
            path = self.env_vars.get(f"{PREFIX}{name}_file".lower())
            if not path or self.env_vars.get(f"{PREFIX}{name}".lower()):
                continue
            try:
                found[name] = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                what = f"{PREFIX}{name.upper()}_FILE: can not read {path}"
                raise SettingsError([f"{what}: {type(error).__name__}"]) from error
        return found


def file_of(name: str) -> Path | None:
    """Return the file that a setting comes from, if a variable names one and says nothing itself.

    For what is read again while a process runs.
    """
    given = {key.lower(): value for key, value in os.environ.items()}
    path = given.get(f"{PREFIX}{name}_file".lower())
    return Path(path) if path and not given.get(f"{PREFIX}{name}".lower()) else None


class VaultPlace(BaseSettings):
    """Where the vault is and what opens it, read alone: the other settings may stand in it."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore")

    secrets_file: Path | None = None
    secrets_key: SecretStr = SecretStr("")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the file that T5G_SECRETS_KEY_FILE names, too."""
        return init_settings, FileSource(settings_cls), env_settings, dotenv_settings


class VaultSource(PydanticBaseSettingsSource):
    """Reads from the vault what is given nowhere else, or empty.

    It stands before the other sources, because an empty variable (as in an example file) would win
    over it otherwise.
    """

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        others: Sequence[PydanticBaseSettingsSource],
    ) -> None:
        super().__init__(settings_cls)
        self._others = others

    def __call__(self) -> dict[str, Any]:
        """Return what the vault adds. Raises SettingsError if it can not be opened."""
        first = self._others[0]()
        place = {name: first[name] for name in VaultPlace.model_fields if name in first}
        if VaultPlace(**place).secrets_file is None:
            return {}  # no vault: the others, which cost something, need not be asked twice
        given: dict[str, Any] = {}
        for source in reversed(self._others):
            given |= source()
        path = given.get("secrets_file")
        if not path:
            return {}
        kept = Vault(Path(path), _plain(given.get("secrets_key"))).values()
        fields = {f"{PREFIX}{name.upper()}": name for name in self.settings_cls.model_fields}
        return {
            fields[name]: value
            for name, value in kept.items()
            if name in fields and not _plain(given.get(fields[name]))
        }

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Part of the interface, and not used: all values are read together."""
        return None, field_name, False


def _plain(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return "" if value is None else str(value)
