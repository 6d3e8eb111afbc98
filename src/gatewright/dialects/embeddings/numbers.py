"""Vectors as lists of numbers and as base64 of their little-endian bytes, which OpenAI's SDK asks for by default."""

import base64
import binascii
import math
import struct
from array import array
from typing import Any

from gatewright.dialects.embeddings.model import Number, Vector
from gatewright.dialects.fields import Fault

_CODES: dict[Number, str] = {"float": "f", "int8": "b", "uint8": "B", "binary": "b", "ubinary": "B"}


def listed(found: Any, path: str, fault: Fault) -> Vector:
    """A list of numbers, each finite as a 32-bit float; `fault` makes the error when it is anything else."""
    wrong = fault(f"{path} must be a list of finite numbers.")
    if type(found) is not list or not found or not {*map(type, found)} <= {int, float}:
        raise wrong
    try:
        finite = all(map(math.isfinite, array("f", found)))
    except OverflowError:
        raise wrong from None
    if not finite:
        raise wrong
    return found


def listed_or_packed(found: Any, path: str, fault: Fault, number: Number = "float") -> Vector:
    """As `listed`, of a vector that may be base64 of numbers of a kind."""
    if type(found) is not str:
        return listed(found, path, fault)
    try:
        raw = base64.b64decode(found, validate=True)
        size = struct.calcsize(_CODES[number])
        values = list(struct.unpack(f"<{len(raw) // size}{_CODES[number]}", raw))
    except (binascii.Error, ValueError, struct.error):
        raise fault(f"{path} must be base64 of {number} numbers.") from None
    return listed(values, path, fault)


def packed(vector: Vector, number: Number | None) -> str:
    """A vector as base64: of numbers of the kind where it is made of them, else of 32-bit floats."""
    try:
        raw = struct.pack(f"<{len(vector)}{_CODES[number or 'float']}", *vector)
    except struct.error:
        raw = struct.pack(f"<{len(vector)}f", *vector)
    return base64.b64encode(raw).decode()
