"""One file from disk to the database."""

import sys
from collections.abc import Callable
from pathlib import Path

from gatewright.control.crypto import Vault
from gatewright.control.manifest import reconcile
from gatewright.control.manifest.changes import Change
from gatewright.control.manifest.document import MAX_BYTES, Problems, compose
from gatewright.control.manifest.parse import Parser
from gatewright.control.manifest.reader import Reader
from gatewright.control.manifest.references import References
from gatewright.control.store.database import Database
from gatewright.errors import ConfigError
from gatewright.settings import variable as from_environment

STDIN = Path("-")


def apply(
    database: Database,
    vault: Vault,
    path: Path,
    *,
    allow_private: bool,
    dry_run: bool = False,
    variable: Callable[[str], str | None] = from_environment,
) -> list[Change]:
    """Bring the database to what a file asks for: all of it in one transaction, or nothing.

    Args:
        database: what to change; its schema must be up to date.
        vault: opens and seals secrets.
        path: the file; `-` for standard input, whose references start from the working directory.
        allow_private: `GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS`.
        dry_run: change nothing, only tell.
        variable: looks up `{env: NAME}`.

    Returns:
        One change an object, in the order they were made; unchanged objects included.

    Raises:
        ConfigError: listing every problem of the file with its line.
        UnavailableError: when the database cannot be written.
    """
    name = "standard input" if path == STDIN else str(path)
    root = compose(_read(path, name), name)
    problems = Problems(name)
    reader = Reader(problems)
    manifest = Parser(reader, References(reader, path.parent, variable)).manifest(root)
    return reconcile.apply(database, vault, manifest, problems, allow_private=allow_private, dry_run=dry_run)


def _read(path: Path, name: str) -> bytes:
    """At most one byte more than a file may have."""
    try:
        if path == STDIN:
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as problem:
        raise ConfigError(f"{name}: cannot be read: {problem.strerror}.") from None
