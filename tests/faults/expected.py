"""What each cell of the fault matrix must come to, by a few rules.

1. Before anything of an answer went to the client, a failure is a failed attempt: the same target is asked once more
   where the failure table says so, then the next one; the last one's error goes to the client, in its own dialect.
2. After that nobody else is asked: the stream ends with an error event in the client's dialect.
3. What is passed through is not read on the way once it has begun: an event of it that is no JSON reaches the client
   as it came.

Of every request there is one record, which says what the client got.
"""

from faults.judge import BROKEN, ERROR
from faults.matrix import Cell, Outcome
from faults.scripts import FALLBACK, FAULTS, PRIMARY
from faults.wires import WIRES
from gatewright.gateway.failures import RULES, Action, Kind

KINDS = {
    "refused": Kind.REFUSED,
    "dns": Kind.DNS,
    "tls": Kind.TLS,
    "reset": Kind.RESET,
    "stall-before-head": Kind.FIRST_BYTE_TIMEOUT,
    "429": Kind.RATE_LIMITED,
    "500": Kind.SERVER_ERROR,
    "529-in-200": Kind.OVERLOADED,
    "wrong-content-type": Kind.MALFORMED,
    "bad-chunk-size": Kind.MALFORMED,
    "malformed-sse": Kind.MALFORMED,
    "bad-json": Kind.MALFORMED,
    "oversized-line": Kind.MALFORMED,
    "slow-drip": Kind.STALLED,
    "cut-0": Kind.CUT,
    "cut-1": Kind.CUT,
    "cut-40": Kind.CUT,
    "stall-mid-stream": Kind.STALLED,
    "missing-terminator": Kind.CUT,
    "error-early": Kind.OVERLOADED,
    "error-later": Kind.ERROR_EVENT,
    "bad-json-later": Kind.MALFORMED,
    "drip-later": Kind.STALLED,
}
"""What each fault is in the failure table."""

UNREACHABLE, PROTOCOL, TIMEOUT, REJECTED = (
    f"UPSTREAM_{word}" for word in ("UNREACHABLE", "PROTOCOL_ERROR", "TIMEOUT", "REJECTED")
)
_SEEN = {
    UNREACHABLE: {Kind.REFUSED, Kind.DNS, Kind.TLS},
    PROTOCOL: {Kind.RESET, Kind.CUT, Kind.MALFORMED},
    TIMEOUT: {Kind.FIRST_BYTE_TIMEOUT, Kind.STALLED},
    REJECTED: {Kind.RATE_LIMITED, Kind.SERVER_ERROR, Kind.OVERLOADED, Kind.ERROR_EVENT},
}
CODES = {kind: code for code, kinds in _SEEN.items() for kind in kinds}
"""What the ledger calls a kind."""

STATUSES = {UNREACHABLE: 502, PROTOCOL: 502, TIMEOUT: 504}
"""Of an error that is not the provider's own."""


def expected(cell: Cell) -> Outcome:
    """What a cell must come to."""
    kind = KINDS[cell.fault]
    code = CODES[kind]
    if shown(cell):
        if cell.fault == "bad-json-later" and not cell.translated:
            return Outcome("an event that its reader cannot read", 200, (1, 0), (200, "", 1, PRIMARY))
        return Outcome(BROKEN, 200, (1, 0), (200, code, 1, PRIMARY))
    tries = 2 if RULES[kind].action is Action.RETRY else 1
    calls = 0 if FAULTS[cell.fault].unreached else tries
    if cell.fallback:
        return Outcome(f"answer of {FALLBACK}", 200, (calls, 1), (200, "", tries + 1, FALLBACK))
    own = {"429": 429, "500": 500} | dict.fromkeys(("529-in-200", "error-early"), WIRES[cell.provider].overloaded)
    status = own.get(cell.fault) or STATUSES[code]
    return Outcome(ERROR, status, (calls, 0), (status, code, tries, PRIMARY), "7" if cell.fault == "429" else "")


def shown(cell: Cell) -> bool:
    """Whether something of the first target's answer went to the client: events before content are held back."""
    return cell.stream and FAULTS[cell.fault].after > WIRES[cell.provider].opens


def manageable(cell: Cell) -> bool:
    """Whether a client gets a complete answer, or an error event of a stream that has begun."""
    return expected(cell).gets in (f"answer of {FALLBACK}", BROKEN)
