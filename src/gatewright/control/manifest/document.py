"""YAML text to nodes that know their lines, and the list of everything wrong with a file.

Nothing is constructed from the text: no Python objects, no tags, no aliases (which can make a small file huge).
"""

import difflib
from collections.abc import Iterable

import yaml

from gatewright.errors import ConfigError

MAX_BYTES = 1 << 20
MAX_DEPTH = 20
MAX_TOLD = 100
MAX_LINE = 1000


class Problems:
    """What is wrong with one file, collected so that a person can mend all of it at once."""

    def __init__(self, name: str) -> None:
        """Collect for the file that people call `name`."""
        self._name = name
        self._found: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._found)

    def add(self, line: int, text: str) -> None:
        """Note a problem at a line, the first line being 1."""
        self._found.append((line, text))

    def error(self) -> ConfigError:
        """Everything found, one `file:line: problem` a line, in the order of the file."""
        found = sorted(dict.fromkeys(self._found), key=lambda problem: problem[0])
        told = [f"{self._name}:{line}: {_shortened(text)}" for line, text in found[:MAX_TOLD]]
        if len(found) > MAX_TOLD:
            told.append(f"{self._name}: and {len(found) - MAX_TOLD} more problems.")
        return ConfigError("\n".join(told))


def _shortened(text: str) -> str:
    """A problem without most of a name that fills pages."""
    return text if len(text) <= MAX_LINE else f"{text[: MAX_LINE // 2]} … {text[-MAX_LINE // 2 :]}"


def line_of(node: yaml.Node) -> int:
    """The line a node starts at, the first line being 1."""
    return int(node.start_mark.line) + 1


def suggestion(word: str, known: Iterable[str]) -> str:
    """What to say after a word that is not among the known ones: the likely one, or all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f" Did you mean {close[0]!r}?"
    return f" Known here: {', '.join(known[:10])}{', …' if len(known) > 10 else ''}." if known else ""


class _Loader(yaml.SafeLoader):
    """Composes nodes, refusing what could make a small file huge or a stack deep."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise self._refusal("anchors and aliases are not supported: write the value out")
        if self._depth == MAX_DEPTH:
            raise self._refusal(f"nested deeper than {MAX_DEPTH} levels")
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def _refusal(self, problem: str) -> yaml.MarkedYAMLError:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def compose(data: bytes, name: str) -> yaml.Node:
    """The root node of a file.

    Args:
        data: the file's bytes, UTF-8, at most `MAX_BYTES`.
        name: what messages call the file.

    Raises:
        ConfigError: when it is too large, not UTF-8, empty, or not YAML; with the line where there is one.
    """
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{name}: larger than {MAX_BYTES} bytes. Split it: several files may be applied one by one.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        raise ConfigError(f"{name}:{line}: not UTF-8 text.") from None
    loader = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
    except yaml.reader.ReaderError as problem:
        line = text[: problem.position].count("\n") + 1
        raise ConfigError(f"{name}:{line}: holds a control character, which YAML does not allow.") from None
    except yaml.MarkedYAMLError as problem:
        # Only the problem and its line: the library's full text repeats the file, which could hold a secret.
        mark = problem.problem_mark or problem.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        raise ConfigError(f"{where}: {problem.problem or problem.context}.") from None
    except (ValueError, OverflowError):
        # The library lets Python's own errors through for a number that is no character, or no version.
        where = f"{name}:{loader.line + 1}" if loader else name
        raise ConfigError(f"{where}: a number there is too large.") from None
    if root is None:
        raise ConfigError(f"{name}: empty. It needs 'secrets', 'model_definitions' or 'endpoints'.")
    return root
