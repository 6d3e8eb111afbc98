"""What the demo sets up before its gateway starts: a data directory of its own, a key, and a manifest it applies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatewright.control.crypto import Vault
from gatewright.control.keyring import Keyring
from gatewright.control.manifest.file import apply
from gatewright.control.store import keys, schema
from gatewright.control.store.database import Database
from gatewright.errors import ConfigError
from gatewright.settings import Settings

ENDPOINT = "demo"
MANIFEST = "gateway.yaml"

_KEY_FILE = "model-key"


@contextmanager
def claim(data_dir: Path) -> Iterator[None]:
    """Make the data directory, and keep every other demo out of it.

    Raises:
        ConfigError: when it cannot be made, or another demo runs in it.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise ConfigError(f"The data directory {data_dir} cannot be used: {problem.strerror}.") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ConfigError(f"Another demo runs in {data_dir}. Stop it, or name another --data-dir.") from None
    finally:
        os.close(lock)


def prepare(settings: Settings, *, model: str, api_base: str, model_key: str) -> str:
    """Bring the demo's database to what its manifest says.

    Args:
        settings: the demo's own.
        model: the model's name, as its server calls it.
        api_base: where the model is served.
        model_key: the API key of the model's server.

    Returns:
        A new admin key; the one of an earlier demo in the same directory is revoked.

    Raises:
        ConfigError, UnavailableError: when the directory or the database cannot be used.
    """
    manifest = settings.data_dir / MANIFEST
    _write(settings.data_dir / _KEY_FILE, model_key)
    _write(manifest, _TEXT.format(endpoint=ENDPOINT, key_file=_KEY_FILE, api_base=api_base, model=model))
    database = Database(settings.database_url)
    try:
        schema.upgrade(database)
        apply(database, Vault(Keyring.load(settings)), manifest, allow_private=settings.allow_private_upstreams)
        with database.write() as tx:
            if any(key.name == ENDPOINT for key in keys.list_all(tx)):
                keys.revoke(tx, ENDPOINT)
            return keys.create(tx, name=ENDPOINT, admin=True)[1]
    finally:
        database.close()


_TEXT = """\
# What `gatewright demo` applied. The model's port and key are new at each start.
secrets:
  {endpoint}:
    provider: openai
    secret_value:
      api_key: {{file: {key_file}}}
    auth_config:
      api_base: {api_base}

model_definitions:
  {endpoint}:
    secret: {endpoint}
    model_name: {model}

endpoints:
  {endpoint}:
    models: [{endpoint}]
"""


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
