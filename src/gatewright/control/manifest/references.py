"""Secret values by reference. A file that is kept in version control must never hold one."""

import re
from collections.abc import Callable
from pathlib import Path

import yaml

from gatewright.control.manifest.model import Value
from gatewright.control.manifest.reader import Reader

MAX_FILE_BYTES = 1 << 16

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HOW = "write {env: NAME} for an environment variable, or {file: path} for a file"


class References:
    """Looks up `{env: NAME}` and `{file: path}`. No message repeats what could be a value."""

    def __init__(self, reader: Reader, folder: Path, variable: Callable[[str], str | None]) -> None:
        """Look up with a reader for the problems.

        Args:
            reader: notes problems.
            folder: what a relative path starts from: the folder of the file that refers.
            variable: one environment variable, or None.
        """
        self._reader = reader
        self._folder = folder
        self._variable = variable

    def look_up(self, node: yaml.Node, what: str) -> Value | None:
        """The value a node refers to; None after noting a problem."""
        if isinstance(node, yaml.ScalarNode):
            self._reader.refuse(node, f"{what} is written out here; a secret never stands in the file: {_HOW}.")
            return None
        if not (isinstance(node, yaml.MappingNode) and len(node.value) == 1):
            self._reader.refuse(node, f"{what} must be one reference: {_HOW}.")
            return None
        [(key, target)] = node.value
        kinds = {"env": self._from_variable, "file": self._from_file}
        if not (isinstance(key, yaml.ScalarNode) and key.value in kinds):
            self._reader.refuse(key, f"{what} must be one reference: {_HOW}.")
            return None
        name = self._reader.text(target, f"{key.value!r} of {what}")
        return None if name is None else kinds[key.value](target, name, what)

    def _from_variable(self, node: yaml.Node, name: str, what: str) -> Value | None:
        if not _VARIABLE.fullmatch(name):
            self._reader.refuse(node, f"{what}: 'env' must be the name of an environment variable.")
            return None
        text = self._variable(name)
        if not text:
            self._reader.refuse(
                node, f"{what}: environment variable {name} is {'not set' if text is None else 'empty'}."
            )
            return None
        return Value(text, f"env {name}")

    def _from_file(self, node: yaml.Node, name: str, what: str) -> Value | None:
        path = self._folder / name
        try:
            path = self._folder / Path(name).expanduser()
            with path.open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
            text = data.decode().removesuffix("\n").removesuffix("\r")
        except OSError as problem:
            self._reader.refuse(node, f"{what}: {path} cannot be read: {problem.strerror}.")
        except (UnicodeDecodeError, RuntimeError, ValueError):
            self._reader.refuse(node, f"{what}: the file is not UTF-8 text, or its path cannot be understood.")
        else:
            if text and len(data) <= MAX_FILE_BYTES:
                return Value(text, f"file {name}")
            self._reader.refuse(node, f"{what}: {path} is {'empty' if not text else 'too large for a secret'}.")
        return None
