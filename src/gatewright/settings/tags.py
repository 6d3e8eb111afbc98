"""How an endpoint treats its requests: the one table of what its tags may say, and variables for all endpoints.

`control/policy.py` reads tags by it, `Settings` the variables; `gatewright serve --help` shows it, and so does
docs/operations.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from gatewright.settings.readers import either, flag, integer, milliseconds, some_of

LONGEST = 86_400
"""Seconds of the longest time that can be said."""


@dataclass(frozen=True, slots=True)
class Tag:
    """What one tag decides.

    Attributes:
        name: of the tag.
        sets: field of the endpoint's policy.
        read: makes the field's value of text; a ValueError says how to write it.
        values: how it is written, for people.
        says: what it decides, for people.
        variable: what decides it for all endpoints whose tags do not; after `GATEWRIGHT_`, in lower case.
    """

    name: str
    sets: str
    read: Callable[[str], Any]
    values: str
    says: str
    variable: str


def _tag(word: str, sets: str, read: Callable[[str], Any], values: str, says: str, variable: str = "") -> Tag:
    return Tag(f"gatewright.{word}", sets, read, values, says, variable or word.replace("-", "_"))


def _or_none(read: Callable[[str], Any], meaning: Any = None) -> Callable[[str], Any]:
    """Also `none`, by which a tag takes back what holds for all endpoints."""
    return either("none", meaning, read)


_MILLISECONDS = milliseconds(LONGEST)

TAGS: Mapping[str, Tag] = MappingProxyType(
    {
        one.name: one
        for one in (
            _tag(
                "strict",
                "strict",
                flag,
                "`true`, `false`",
                "a request is refused rather than served with something left out",
            ),
            _tag(
                "timeout-ms",
                "timeout",
                _or_none(_MILLISECONDS),
                "milliseconds, `none`",
                "longest time for a request with all its attempts; "
                "the header `x-gatewright-timeout-ms` of a request may only shorten it",
            ),
            _tag(
                "first-token-ms",
                "first_token",
                _or_none(_MILLISECONDS),
                "milliseconds, `none`",
                "longest time of one attempt until the first content of its answer",
            ),
            _tag(
                "retries",
                "retries",
                integer(0, 10),
                "`0` to `10`",
                "how often the same target is asked again after a failure that may pass; usually `1`",
            ),
            _tag(
                "fallback-on",
                "fallback_on",
                _or_none(some_of("context-window", "content-policy"), frozenset()),
                "`context-window`, `content-policy`, `none`",
                "these failures go on to the next target too",
            ),
            _tag(
                "cooldown-seconds",
                "cooldown",
                _or_none(integer(0, LONGEST)),
                "seconds, `none`",
                "how long a failing target is left alone, where the provider does not say; `0` for never, "
                "usually (`none`) 1 second that doubles up to a minute",
            ),
            _tag(
                "hedge-ms",
                "hedge",
                _or_none(either("p95", "p95", _MILLISECONDS)),
                "milliseconds, `p95`, `none`",
                "the next target is asked too when the first has not begun to answer by then",
            ),
            _tag(
                "continuation",
                "continuation",
                flag,
                "`true`, `false`",
                "the next target is asked to go on with a stream that breaks off after its beginning",
            ),
            _tag(
                "max-concurrency",
                "max_concurrency",
                _or_none(integer(1, 1_000_000)),
                "a number, `none`",
                "most requests of the endpoint under way at once in one process",
                "endpoint_concurrency",  # the other is that of all endpoints together
            ),
        )
    }
)
"""By name."""
