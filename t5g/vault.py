"""Secrets encrypted at rest: one file of names and ciphertexts (Fernet), and the keys that open it.

The file may stand in a backup or in a repository; the key must not. Values are never shown again,
only used. Writing is atomic: the file is the old one or the new one, readable by its owner only.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from msgspec import Struct

from t5g.errors import SettingsError

VERSION = 1


class Kept(Struct, frozen=True):
    """One secret: its ciphertext, and when it was set (ISO 8601, UTC)."""

    value: str
    set: str


class _File(Struct, frozen=True):
    version: int
    secrets: dict[str, Kept]


class Vault:
    """The secrets in one file. Every method reads or writes it at once; it holds nothing."""

    def __init__(self, path: Path, keys: str) -> None:
        """Open with `keys`: the first one encrypts, each of them decrypts. Raises SettingsError."""
        self._path = path
        self._cipher = MultiFernet(_ciphers(keys))

    def values(self) -> dict[str, str]:
        """Return every secret in plain, by name. Raises SettingsError if the key does not fit."""
        return {name: self._plain(name, kept) for name, kept in self._read().items()}

    def set_at(self) -> dict[str, str]:
        """Return when each secret was set, by name."""
        return {name: kept.set for name, kept in sorted(self._read().items())}

    def put(self, name: str, value: str) -> None:
        """Keep a secret, in place of an earlier one."""
        self.values()  # a key that does not fit the others would leave a file that nobody can read
        secret = self._cipher.encrypt(value.encode()).decode()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._write({**self._read(), name: Kept(secret, now)})

    def remove(self, name: str) -> bool:
        """Forget a secret; say whether it was there."""
        kept = dict(self._read())
        if kept.pop(name, None) is None:
            return False
        self._write(kept)
        return True

    def rotate(self) -> int:
        """Encrypt every secret anew with the first key; return how many there are."""
        kept = self._read()
        self.values()
        self._write({
            name: Kept(self._cipher.rotate(one.value.encode()).decode(), one.set)
            for name, one in kept.items()
        })  # fmt: skip
        return len(kept)

    def _plain(self, name: str, kept: Kept) -> str:
        try:
            return self._cipher.decrypt(kept.value.encode()).decode()
        except (InvalidToken, UnicodeError):
            raise SettingsError([
                f"T5G_SECRETS_KEY does not open {name} in {self._path}: another key is needed, "
                f"or set it anew: `t5g secrets remove {name}`, then `t5g secrets set {name}`"
            ]) from None  # fmt: skip

    def _read(self) -> Mapping[str, Kept]:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            text = f"T5G_SECRETS_FILE: can not read {self._path}: {type(error).__name__}"
            raise SettingsError([text]) from error
        try:
            found = msgspec.json.decode(raw, type=_File)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            text = f"T5G_SECRETS_FILE: {self._path} is no file of `t5g secrets`: {error}"
            raise SettingsError([text]) from None
        if found.version > VERSION:
            text = f"T5G_SECRETS_FILE: {self._path} is of a newer version of this program"
            raise SettingsError([text])
        return found.secrets

    def _write(self, secrets: Mapping[str, Kept]) -> None:
        raw = msgspec.json.format(msgspec.json.encode(_File(VERSION, dict(secrets))), indent=2)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=".secrets-")  # mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(raw + b"\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._path)  # noqa: PTH105  (one step, also where it exists)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def new_key() -> str:
    """Return a new key, for a file or a variable."""
    return Fernet.generate_key().decode()


def _ciphers(keys: str) -> Sequence[Fernet]:
    given = keys.split()
    if not given:
        raise SettingsError([
            "T5G_SECRETS_KEY is missing: the key of T5G_SECRETS_FILE; `t5g secrets key` makes one"
        ])  # fmt: skip
    try:
        return [Fernet(key) for key in given]
    except (ValueError, TypeError):
        raise SettingsError([
            "T5G_SECRETS_KEY is no key: it has 44 letters, as `t5g secrets key` makes them"
        ]) from None  # fmt: skip
