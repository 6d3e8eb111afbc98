"""What the planes tell each other about targets that fail: one notices, the other shares and shows."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A target that is to be left alone for a while. Times are spans, for no two machines' clocks are the same.

    Attributes:
        key: `Target.key`.
        seconds: for how long from now on.
        reason: kind of the failure that led to it.
        times: how often in a row it was taken out for its failures.
        stated: whether its provider asked for that time, so that it is not called before whatever happens.
    """

    key: str
    seconds: float
    reason: str
    times: int = 1
    stated: bool = False


Standing = Literal["out", "due", "returning"]
"""`out` is left alone, `due` may be asked by one request, `returning` gets a part of its traffic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How a target that is not wholly in stands.

    Attributes:
        state: where it is on its way back.
        share: how much of its traffic it gets now, from 0 to 1.
        seconds: how long it stays out; 0 when it does not.
        rests: for how many of these its provider has asked to be left alone.
        reason: kind of the failure that led to it.
        times: how often in a row it was taken out for its failures.
    """

    state: Standing
    share: float
    seconds: float
    rests: float
    reason: str
    times: int
