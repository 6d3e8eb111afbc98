"""The command line that the long runs have in common."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar


class Run(Protocol):
    """What is run.

    Attributes:
        wrong: what was; nothing when all is well.
    """

    wrong: list[str]

    def play(self) -> None:
        """Do it."""

    def page(self) -> str:
        """What came of it, as Markdown."""

    def picture(self) -> str:
        """The same as SVG."""


Made = TypeVar("Made", bound=Run)
Amount = TypeVar("Amount", int, float)


def say(line: str) -> None:
    """Tell whoever waits."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def command(
    about: str, option: str, usual: Amount, make: Callable[[Amount, int], Made], page: Path, picture: Path
) -> Made:
    """Run as asked on the command line, and say what was wrong.

    Args:
        about: the help.
        option: says how much is done.
        usual: of that, when it is not said.
        make: makes a run of so much, and of a seed.
        page: what `--write` writes.
        picture: beside it.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(option, type=type(usual), default=usual, dest="amount")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help=f"write docs/{page.name}")
    given = parser.parse_args()
    run = make(given.amount, given.seed)
    run.play()
    if given.write:
        page.write_text(run.page(), "utf-8")
        picture.write_text(run.picture(), "utf-8")
    for line in run.wrong[:20]:
        say(f"WRONG: {line}")
    return run
