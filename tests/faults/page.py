"""`docs/fault-matrix.md`, written from a run."""

from collections import defaultdict
from collections.abc import Collection, Iterator

from faults.matrix import Cell, Matrix, Outcome
from faults.scripts import FALLBACK, FAULTS, PRIMARY
from faults.wires import WIRES

HEAD = """\
# The fault matrix

What comes of every fault of a provider, in every dialect. `make faults` runs the matrix and writes this page; the tests
run it too, and fail when a cell is not as stated or when this page is not what they saw.

A gateway stands between a client and two scripted upstreams, over real sockets. The first target has the fault in every
request; the second, where there is one, is well. What the client gets is judged by a reader of its dialect that is
written from the vendors' documentation and shares nothing with Gatewright; the calls are counted by the upstreams; and
each request has left one record in the ledger, which agrees with the headers of the answer.

**{cells} cells**: {faults} faults, {later} of them in streams alone; {dialects} dialects of clients, {dialects} of
providers; whole or streamed; with a fallback or alone. Every one is as stated.

- *Asked*: for an answer whole, or streamed. *Passed* is what comes from a provider that speaks the client's dialect,
  *translated* what comes from one that does not.
- What the client gets is a complete answer, an error with its status, or a stream that ends in an error event; each in
  the client's dialect.
- *Calls*: requests that the first target got, and the second.
- *Ledger*: the error's code, and the attempts.

"""

COLUMNS = """\
| fault | asked | cells | with a fallback | calls | ledger | alone | calls | ledger |
|---|---|---|---|---|---|---|---|---|
"""


def page(matrix: Matrix) -> str:
    """The whole page."""
    found = {fault: matrix.outcomes(fault) for fault in FAULTS}
    everything = [cell for outcomes in found.values() for cell in outcomes]
    rows = "".join(line for fault, outcomes in found.items() for line in _rows(fault, outcomes))
    head = HEAD.format(
        cells=f"{len(everything):,}",
        faults=len(FAULTS),
        later=sum(fault.whole is None and not fault.unreached for fault in FAULTS.values()),
        dialects=len(WIRES),
    )
    return head + COLUMNS + rows


def _rows(fault: str, outcomes: dict[Cell, Outcome]) -> Iterator[str]:
    """A row for all cells that come to the same, with a fallback and alone."""
    alike: dict[tuple[Outcome, Outcome], list[Cell]] = defaultdict(list)
    for cell, alone in outcomes.items():
        if not cell.fallback:
            alike[outcomes[cell._replace(fallback=True)], alone].append(cell)
    name = f"**{fault}**: {FAULTS[fault].says}"
    for both, cells in alike.items():
        columns = [name, "; ".join(_asked(cells)), str(2 * len(cells)), *(text for one in both for text in _cells(one))]
        yield f"| {' | '.join(columns)} |\n"
        name = ""


def _cells(outcome: Outcome) -> tuple[str, str, str]:
    gets = {f"answer of {PRIMARY}": "the answer", f"answer of {FALLBACK}": "the fallback's answer"}.get(outcome.gets)
    gets = gets or (f"{outcome.gets} {outcome.status}" if outcome.gets == "error" else outcome.gets)
    if outcome.retry_after:
        gets += f", `retry-after: {outcome.retry_after}`"
    if isinstance(outcome.recorded, int):
        return gets, _calls(outcome), f"{outcome.recorded} records"
    _, code, attempts, _ = outcome.recorded
    return gets, _calls(outcome), (f"`{code}`, " if code else "") + f"{attempts} attempt{'s'[: attempts > 1]}"


def _calls(outcome: Outcome) -> str:
    return f"{outcome.calls[0]} + {outcome.calls[1]}"


def _asked(cells: Collection[Cell]) -> Iterator[str]:
    """Which cells of a fault these are, in few words."""
    for stream, word in ((False, "whole"), (True, "streamed")):
        shape = [cell for cell in cells if cell.stream == stream]
        passed = {cell.provider for cell in shape if not cell.translated}
        pairs = {(cell.client, cell.provider) for cell in shape if cell.translated}
        translated = {provider for _, provider in pairs}
        if len(pairs) != len(translated) * (len(WIRES) - 1):
            yield f"{word}: " + ", ".join(f"{cell.client} from {cell.provider}" for cell in shape)
        elif shape and passed == translated:
            yield word + _named(passed)
        else:
            yield from ((f"{word}, passed" + _named(passed),) if passed else ())
            yield from ((f"{word}, translated" + _named(translated),) if translated else ())


def _named(providers: Collection[str]) -> str:
    """The providers' dialects, when it is not all of them."""
    return "" if len(providers) == len(WIRES) else f" from {', '.join(one for one in WIRES if one in providers)}"
