"""Aligned tables, and text that cannot play tricks on a terminal."""

import time
from collections.abc import Sequence

import click


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows under a head, each column as wide as its widest cell."""
    lines = [tuple(head), *(tuple(map(plain, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def plain(text: str) -> str:
    """A text on one line, with control characters escaped: a stored name must not move the cursor."""
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def moment(milliseconds: int) -> str:
    """A time as people read it, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(milliseconds / 1000))


def none_yet(what: str, how: str) -> None:
    """Say on stderr that a list is empty, and how to change that."""
    click.echo(f"There are no {what} yet. {how}", err=True)
