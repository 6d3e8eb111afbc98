"""Coverage-guided fuzzing of every decoder: atheris (libFuzzer) looks for bytes that reach code nothing reached before.

    PYTHONPATH=tests python scripts/fuzz_guided.py [SECONDS] [INPUT …]

The decoders are those of the gateway's table of dialects, the reader of events and the split of a body. Only
Gatewright's own errors may escape them, in bounded time and memory. It begins with what each dialect writes itself
and, where there are any, with the recorded exchanges. An input that fails is kept in .gatewright/fuzz and told with its
traceback; name its file as INPUT to run it alone: `make fuzz GUIDED=1 INPUT=…`.
"""

import argparse
import logging
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["gatewright.dialects"]):
    from fixtures.conformance import guided
    from gatewright.dialects import toplevel

from fixtures.conformance.cases import is_conversation, is_framed, operation
from fixtures.recorded import everything

KEPT = Path(".gatewright/fuzz")
SECONDS_EACH, MEGABYTES = 10, 1024
"""Seconds after which one input counts as one that hangs, and memory after which the run counts as one that leaks."""


def recorded() -> Mapping[str, Sequence[bytes]]:
    """Recorded bodies by the name of the reader they are for."""
    found = defaultdict(list)
    for one in filter(is_conversation, everything()):
        name = operation(one)
        if not is_framed(one):
            found[f"{name} {'stream' if one.stream else 'answer'}"].append(one.raw)
        found[f"{name} request"].append(toplevel.encode(one.request))
    return found


def main(seconds: int, inputs: Sequence[str]) -> int:
    """Fuzz for some seconds, or run some inputs; the exit status."""
    logging.disable()
    every = guided.readers()
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        corpus = Path(place, "corpus")
        corpus.mkdir()
        for number, seed in enumerate(guided.seeds(every, {} if inputs else recorded())):
            (corpus / str(number)).write_bytes(seed)
        words = Path(place, "words")
        words.write_text("".join(f'"{word}"\n' for word in guided.words()))
        options = [
            *(inputs or (str(corpus), f"-max_total_time={seconds}")),
            f"-artifact_prefix={KEPT}/",
            f"-dict={words}",
            f"-max_len={guided.MAX_BODY}",
            f"-rss_limit_mb={MEGABYTES}",
            f"-timeout={SECONDS_EACH}",
        ]
        # libFuzzer keeps what failed and ends its process at C's exit, where Python could not tidy up.
        child = os.fork()
        if not child:
            fuzz(options, every)
        _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def fuzz(options: Sequence[str], every: Sequence[guided.Reader]) -> None:
    """Run libFuzzer, which ends the process."""
    atheris.Setup(
        [sys.argv[0], *options],
        lambda data: guided.run(data, every),
        custom_mutator=lambda data, longest, seed: guided.mutated(
            data, seed, lambda found: atheris.Mutate(found, longest)
        )[:longest],
    )
    atheris.Fuzz()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", type=int, nargs="?", default=600, help="how long, by default 600")
    parser.add_argument("inputs", nargs="*", help="kept inputs to run instead")
    given = parser.parse_args()
    sys.exit(main(given.seconds, given.inputs))
