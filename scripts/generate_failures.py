"""Write `docs/failures.md` from the failure table and from what providers are known to write.

    python scripts/generate_failures.py [TARGET_FILE]

The result is checked in; `tests/gateway/test_failures_page.py` fails when it drifts.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from gatewright.gateway.diagnosis import BY_CLASS, BY_STATUS, LONGEST_WAIT
from gatewright.gateway.failures import RULES, Kind
from gatewright.gateway.signs import SIGNS

TARGET = Path(__file__).parent.parent / "docs" / "failures.md"

HEAD = """\
# What happens when a provider fails

`python scripts/generate_failures.py` writes this page, as part of `make reference`, from the tables that the gateway
itself goes by: `gateway/failures.py`, `gateway/diagnosis.py` and `gateway/signs.py`.

A call of a target that fails is of one of the kinds below. What is done next holds **until the first byte of an answer
went to the client**; nothing is tried again after that, but that another target may be asked to
[go on with a stream](operations.md#going-on-with-a-stream-that-breaks-off), where an endpoint has the tag for it and
the failure is not final by this table. What comes of a failure for a client of each dialect is measured in the
[fault matrix](fault-matrix.md).

A stream is held back until it says something: a first event that tells only that there is an answer, such as a chat's
role, `message_start` or `response.created`, waits for the next one. A stream that fails before that has not begun.

- *retry*: the same target once more after a short pause, then the next one
- *next*: the next target at once
- *next if asked*: the next target where the endpoint asks for it, else the client gets the error
- *final*: the client gets the error; whoever asked again would pay again

Kinds that *count* are held against the target: some in a row take it out for a while. The client gets the error of the
last target that was called; where no status is named, it is the provider's own.

| kind | what it is | next | counts | status |
|---|---|---|---|---|
"""

SAID = """
## How they are told apart

By how a call ended, by its status, and where that does not tell enough by what the provider writes: the codes of an
error body (`code`, `type`, `status`, `reason`, or the header `x-amzn-errortype`), or its message where it has no code.
Upper and lower case are the same. A `402` is *quota* whatever it says.

| kind | codes | messages |
|---|---|---|
"""

WAIT = f"""
## When to come back

Where a provider says how long it wants to be left alone, it is: by `retry-after-ms`, by `retry-after` as seconds or as
a date, by Google's `RetryInfo`, or after a 429 by the reset of a limit of which nothing is left
(`x-ratelimit-remaining-*: 0` with `x-ratelimit-reset-*`, and Anthropic's headers of the same meaning). After
{LONGEST_WAIT:.0f} seconds it is asked again all the same.
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(map(_row, RULES)) + SAID + "".join(_said()) + WAIT


def _row(kind: Kind) -> str:
    rule = RULES[kind]
    own = kind in BY_STATUS.values() or kind is Kind.ERROR_EVENT
    statuses = {str(cls.status) for cls, one in BY_CLASS.items() if one is kind and not own}
    cells = (f"`{kind}`", rule.says, f"*{rule.action}*", "yes" if rule.cools else "no", " ".join(sorted(statuses)))
    return f"| {' | '.join(cells)} |\n"


def _said() -> Iterator[str]:
    for kind in RULES:
        signs = [sign for sign in SIGNS if sign.kind is kind]
        codes = ", ".join(f"`{code}`" for sign in signs for code in sorted(sign.codes))
        begins = [_words(f"{words}…", sign.statuses) for sign in signs for words in sign.begins]
        holds = [_words(f"…{words}…", sign.statuses) for sign in signs for words in sign.holds]
        if signs:
            yield f"| `{kind}` | {codes} | {'<br>'.join(begins + holds)} |\n"


def _words(words: str, statuses: Iterable[int]) -> str:
    only = ", ".join(map(str, sorted(statuses)))
    return words.replace("`", "\\`") + (f" ({only})" if only else "")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.write_text(page(), "utf-8")
