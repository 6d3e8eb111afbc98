"""Typed reading of YAML nodes. A wrong node is noted as a problem and read as None, and reading goes on."""

import re
from collections.abc import Collection

import yaml

from gatewright.control.manifest.document import Problems, line_of, suggestion

_TAG = "tag:yaml.org,2002:"
_WORDS = ("str", "int", "float", "bool", "timestamp")
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_DECIMAL = re.compile(r"[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")


class Reader:
    """Reads nodes of one file. `what` in every method is what messages call the node."""

    def __init__(self, problems: Problems) -> None:
        """Note problems in `problems`."""
        self._problems = problems

    @property
    def refused(self) -> int:
        """How many problems there are so far."""
        return len(self._problems)

    def refuse(self, node: yaml.Node, text: str) -> None:
        """Note a problem at a node's line."""
        self.note(line_of(node), text)

    def note(self, line: int, text: str) -> None:
        """Note a problem at a line."""
        self._problems.add(line, text)

    def entries(self, node: yaml.Node, what: str) -> list[tuple[yaml.Node, str, yaml.Node]]:
        """A mapping's entries as (key node, key, value node); a key that comes twice is a problem."""
        if not (isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map"):
            self.refuse(node, f"{what} must be a mapping ('name: value' lines).")
            return []
        first: dict[str, int] = {}
        found = []
        for key, value in node.value:
            name = self.text(key, f"a key of {what}")
            if name is None:
                continue
            if name in first:
                self.refuse(key, f"key {name!r} of {what} is already given in line {first[name]}.")
                continue
            first[name] = line_of(key)
            found.append((key, name, value))
        return found

    def fields(self, node: yaml.Node, what: str, known: Collection[str]) -> dict[str, yaml.Node]:
        """A mapping with fixed keys; an unknown key is a problem, with the likely one as a suggestion."""
        found = {}
        for key, name, value in self.entries(node, what):
            if name in known:
                found[name] = value
            else:
                self.refuse(key, f"unknown key {name!r} in {what}.{suggestion(name, known)}")
        return found

    def items(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        """A list's items."""
        if not (isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq"):
            self.refuse(node, f"{what} must be a list ('- item' lines).")
            return []
        return list(node.value)

    def text(self, node: yaml.Node, what: str, *, empty: bool = False) -> str | None:
        """A text, exactly as it is written: `1.10` stays `1.10`, `yes` stays `yes`."""
        if not isinstance(node, yaml.ScalarNode):
            self.refuse(node, f"{what} must be a text.")
        elif node.tag == f"{_TAG}null" or not (node.value or empty):
            self.refuse(node, f"{what} has no value.")
        elif node.tag.removeprefix(_TAG) not in _WORDS and node.value not in ("=", "<<"):
            self.refuse(node, f"{what} has the YAML tag {node.tag.removeprefix(_TAG)!r}, which is not supported.")
        else:
            return str(node.value)
        return None

    def texts(self, node: yaml.Node, what: str) -> dict[str, str]:
        """A mapping of text to text; values may be empty."""
        read = {
            name: self.text(value, f"{name!r} in {what}", empty=True) for _, name, value in self.entries(node, what)
        }
        return {name: value for name, value in read.items() if value is not None}

    def flag(self, node: yaml.Node, what: str) -> bool | None:
        """True or false."""
        if isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}bool":
            return _FLAGS[node.value.lower()]
        self.refuse(node, f"{what} must be true or false.")
        return None

    def number(self, node: yaml.Node, what: str, most: float) -> float | None:
        """A decimal number from 0 to `most`."""
        if isinstance(node, yaml.ScalarNode) and not node.style and _DECIMAL.fullmatch(node.value):
            value = float(node.value)
            if value <= most:
                return value
        self.refuse(node, f"{what} must be a number from 0 to {most:.0f}, such as 1 or 0.5.")
        return None

    def count(self, node: yaml.Node, what: str, most: int) -> int | None:
        """A whole number from 0 to `most`."""
        if isinstance(node, yaml.ScalarNode) and not node.style and re.fullmatch("[0-9]{1,18}", node.value):
            value = int(node.value)
            if value <= most:
                return value
        self.refuse(node, f"{what} must be a whole number from 0 to {most}.")
        return None
