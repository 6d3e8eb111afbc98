"""Envelope encryption: a data key per secret or file, wrapped by a key-encryption key (KEK).

Both layers are AES-256-GCM with a random 12-byte nonce in front. The value's associated data is `<id>|<name>`, the
wrapped key's is `<id>|<kek id>`, so a ciphertext or a wrapped key copied to another row does not open there.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gatewright.control.keyring import KEY_BYTES, Keyring
from gatewright.errors import ConfigError

_NONCE_BYTES = 12
_ID_LENGTH = 16
_WRAPPED = _ID_LENGTH + _NONCE_BYTES + KEY_BYTES + 16  # where a file's wrapped key ends, with its tag


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret as it is stored.

    Attributes:
        ciphertext: nonce and AES-256-GCM of the values as JSON, under the data key.
        wrapped_key: nonce and AES-256-GCM of the data key, under the KEK.
        kek_id: which KEK wraps it.
    """

    ciphertext: bytes
    wrapped_key: bytes
    kek_id: str


class Vault:
    """Seals and opens secret values with a keyring."""

    def __init__(self, keyring: Keyring) -> None:
        """Use `keyring`, reading its file again when a row names a key it does not have."""
        self.keyring = keyring

    def seal(self, row_id: str, name: str, values: Mapping[str, str]) -> Sealed:
        """Encrypt `values` for the row `row_id` named `name` under a fresh data key."""
        return self._seal(row_id, name, json.dumps(dict(values), ensure_ascii=False, separators=(",", ":")).encode())

    def open(self, row_id: str, name: str, sealed: Sealed) -> dict[str, str]:
        """Decrypt what `seal` made for the same id and name.

        Raises:
            ConfigError: when the key is not in the keyring, or the row was altered or moved.
        """
        values = json.loads(self._open(row_id, name, sealed, _Named.secret(name)))
        return {str(key): str(value) for key, value in values.items()}

    def seal_file(self, binding: str, content: bytes) -> bytes:
        """Encrypt a file's `content` under a fresh data key; it opens for the same `binding` only."""
        sealed = self._seal("file", binding, content)
        return sealed.kek_id.encode("ascii") + sealed.wrapped_key + sealed.ciphertext

    def open_file(self, binding: str, data: bytes, path: Path) -> bytes:
        """Decrypt what `seal_file` made.

        Raises:
            ConfigError: naming `path`, when the key is not in the keyring, or the file was altered.
        """
        kek_id = data[:_ID_LENGTH].decode("ascii", "replace")
        sealed = Sealed(data[_WRAPPED:], data[_ID_LENGTH:_WRAPPED], kek_id)
        return self._open("file", binding, sealed, _Named(f"The file {path}", "delete the file"))

    def rewrap(self, row_id: str, name: str, sealed: Sealed) -> Sealed:
        """The same ciphertext with its data key under the current KEK.

        Raises:
            ConfigError: as `open`.
        """
        return self._wrap(row_id, self._unwrap(row_id, sealed, _Named.secret(name)), sealed.ciphertext)

    def _seal(self, row_id: str, name: str, plaintext: bytes) -> Sealed:
        # A rotation by another process must be seen here: after its re-wrap nothing may use the old key any more.
        self.keyring.refresh()
        data_key = secrets.token_bytes(KEY_BYTES)
        return self._wrap(row_id, data_key, _encrypt(data_key, plaintext, _value_binding(row_id, name)))

    def _open(self, row_id: str, name: str, sealed: Sealed, named: "_Named") -> bytes:
        data_key = self._unwrap(row_id, sealed, named)
        try:
            return _decrypt(data_key, sealed.ciphertext, _value_binding(row_id, name))
        except (InvalidTag, ValueError):
            raise named.altered() from None

    def _wrap(self, row_id: str, data_key: bytes, ciphertext: bytes) -> Sealed:
        key = self.keyring.primary
        wrapped = _encrypt(key.material, data_key, _key_binding(row_id, key.id))
        return Sealed(ciphertext, wrapped, key.id)

    def _unwrap(self, row_id: str, sealed: Sealed, named: "_Named") -> bytes:
        key = self.keyring.find(sealed.kek_id)
        if key is None:
            self.keyring.refresh()
            key = self.keyring.find(sealed.kek_id)
        if key is None:
            raise ConfigError(
                f"{named.what} is encrypted under key {sealed.kek_id}, which is not among the key-encryption keys "
                f"({', '.join(self.keyring.ids)}). Add that key to GATEWRIGHT_KEK or to the key file, "
                f"or {named.remedy}."
            )
        try:
            return _decrypt(key.material, sealed.wrapped_key, _key_binding(row_id, key.id))
        except (InvalidTag, ValueError):
            raise named.altered() from None


@dataclass(frozen=True, slots=True)
class _Named:
    """What is opened, for a person, and what to do when it does not open."""

    what: str
    remedy: str

    @classmethod
    def secret(cls, name: str) -> "_Named":
        return cls(f"Secret {name!r}", "set the secret again")

    def altered(self) -> ConfigError:
        return ConfigError(
            f"{self.what} cannot be decrypted: it was altered, or copied from elsewhere. {self.remedy.capitalize()}."
        )


def _value_binding(row_id: str, name: str) -> bytes:
    return f"{row_id}|{name}".encode()


def _key_binding(row_id: str, kek_id: str) -> bytes:
    return f"{row_id}|{kek_id}".encode()


def _encrypt(key: bytes, plaintext: bytes, binding: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, binding)


def _decrypt(key: bytes, blob: bytes, binding: bytes) -> bytes:
    return AESGCM(key).decrypt(blob[:_NONCE_BYTES], blob[_NONCE_BYTES:], binding)
