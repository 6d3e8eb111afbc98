"""Cut and damage recorded traffic with as many seeds as asked for, and hold every decoder against it.

    PYTHONPATH=tests python scripts/fuzz.py [SEEDS [FIRST_SEED]]

Each seed takes one exchange. A stream that is cut anywhere must be the same events; damaged bytes and damaged JSON must
be read or refused, with one of Gatewright's own errors and in bounded time. The first that is not ends the run and is
told with its seed, which repeats it: `make fuzz N=1 SEED=…`.
"""

import logging
import random
import sys
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from fixtures.conformance.cases import is_conversation
from fixtures.conformance.fuzz import damaged_answer, damaged_request, damaged_stream
from fixtures.conformance.translation import same_events
from fixtures.recorded import FOLDER, Exchange, everything

SLOW = 10.0
"""Seconds after which one seed counts as one that hangs."""

Trial = Callable[[Exchange, random.Random], None]


def cut(exchange: Exchange, chance: random.Random) -> None:
    """A stream in random pieces."""
    same_events(exchange, chance.getrandbits(64))


TRIALS: Mapping[str, Trial] = MappingProxyType(
    {"cut": cut, "bytes": damaged_stream, "answer": damaged_answer, "request": damaged_request}
)


def fits(exchange: Exchange, trial: str) -> bool:
    """Whether a trial can be made of an exchange."""
    if not is_conversation(exchange) or trial == "request":
        return is_conversation(exchange) and bool(exchange.request)
    return exchange.status < 400 and exchange.stream == (trial in ("cut", "bytes"))


def main(seeds: int, first: int) -> None:
    """Run them, with a line for every tenth."""
    plan = [(trial, one) for trial in TRIALS for one in everything() if fits(one, trial)]
    for number, seed in enumerate(range(first, first + seeds), 1):
        chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        trial, exchange = chance.choice(plan)
        began = time.perf_counter()
        try:
            TRIALS[trial](exchange, chance)
        except Exception:
            sys.stderr.write(f"seed {seed}: {trial} of {exchange.name}\n")
            raise
        if time.perf_counter() - began > SLOW:
            sys.exit(f"seed {seed}: {trial} of {exchange.name} took more than {SLOW} seconds")
        if number % max(1, seeds // 10) == 0:
            sys.stdout.write(f"{number} of {seeds} seeds passed\n")
            sys.stdout.flush()


if __name__ == "__main__":
    if not everything():
        sys.exit(f"There are no recorded exchanges in {FOLDER}. Name their folder: GATEWRIGHT_RECORDED=…")
    logging.disable()
    given = [int(argument) for argument in sys.argv[1:]]
    main(*given, *(20_000, 0)[len(given) :])
