"""What reads a value as people write it. A ValueError says how to write it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

_SIZES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def flag(text: str) -> bool:
    """Yes or no; nothing is no."""
    lowered = text.strip().lower()
    if lowered in ("1", "true", "yes", "on"):
        return True
    if lowered in ("", "0", "false", "no", "off"):
        return False
    raise ValueError("use true or false")


def integer(low: int, high: int) -> Callable[[str], int]:
    """A whole number within bounds."""

    def read(text: str) -> int:
        if not re.fullmatch(r"\s*\d{1,9}\s*", text, re.ASCII) or not low <= int(text) <= high:
            raise ValueError(f"use a whole number from {low} to {high}")
        return int(text)

    return read


def seconds(text: str) -> float:
    """A time above 0, with decimals."""
    if not re.fullmatch(r"\s*\d{1,6}(\.\d*)?\s*", text, re.ASCII) or float(text) == 0:
        raise ValueError("use a number of seconds above 0")
    return float(text)


def milliseconds(longest: int) -> Callable[[str], float]:
    """Whole milliseconds above 0; as seconds, of which `longest` are the most."""
    read = integer(1, longest * 1000)
    return lambda text: read(text) / 1000


def size(text: str) -> int:
    """Bytes, or with K, M or G."""
    found = re.fullmatch(r"\s*(\d{1,15})\s*([kmg]?)i?b?\s*", text.lower())
    if found is None or int(found[1]) == 0:
        raise ValueError("use a number of bytes, or one with K, M or G, such as 64M")
    return int(found[1]) * _SIZES[found[2]]


def path(text: str) -> Path:
    """A path, made absolute; `~` is a home directory."""
    if not text.isprintable():
        raise ValueError("use a path of printable characters in UTF-8")
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:
        raise ValueError("there is no such home directory") from None


def optional_path(text: str) -> str:
    """A path, or nothing."""
    return str(path(text)) if text else ""


def one_of(*words: str) -> Callable[[str], str]:
    """One of some words."""

    def read(text: str) -> str:
        if text.strip().lower() not in words:
            raise ValueError(f"use {' or '.join(words)}")
        return text.strip().lower()

    return read


def some_of(*words: str) -> Callable[[str], frozenset[str]]:
    """One or more of some words, with commas between them; as names, with `_` for `-`."""

    def read(text: str) -> frozenset[str]:
        found = {word.strip().lower() for word in text.split(",")}
        if not found <= set(words):
            raise ValueError(f"use one or more of {', '.join(words)}, with commas between them")
        return frozenset(word.replace("-", "_") for word in found)

    return read


def either(word: str, meaning: Any, read: Callable[[str], Any]) -> Callable[[str], Any]:
    """A word that stands for `meaning`, or what `read` reads."""

    def read_either(text: str) -> Any:
        if text.strip().lower() == word:
            return meaning
        try:
            return read(text)
        except ValueError as problem:
            raise ValueError(f"{problem}, or {word}") from None

    return read_either


def text(given: str) -> str:
    """What was given."""
    return given
