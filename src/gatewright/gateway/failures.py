"""The one failure table: what can go wrong with a call of a target, and what follows from it.

`docs/failures.md` is written from it. Which kind a failure is, `diagnosis.py` says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """What went wrong with one call of one target."""

    REFUSED = "refused"
    DNS = "dns"
    TLS = "tls"
    CONNECT_TIMEOUT = "connect_timeout"
    BUSY = "busy"
    RESET = "reset"
    CUT = "cut"
    FIRST_BYTE_TIMEOUT = "first_byte_timeout"
    STALLED = "stalled"
    MALFORMED = "malformed"
    ERROR_EVENT = "error_event"
    REQUEST_TIMEOUT = "request_timeout"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"
    RATE_LIMITED_UNSAID = "rate_limited_unsaid"
    SERVER_ERROR = "server_error"
    BAD_GATEWAY = "bad_gateway"
    UNAVAILABLE = "unavailable"
    GATEWAY_TIMEOUT = "gateway_timeout"
    OVERLOADED = "overloaded"
    AUTH = "auth"
    QUOTA = "quota"
    UNKNOWN_MODEL = "unknown_model"
    CONTEXT_WINDOW = "context_window"
    CONTENT_POLICY = "content_policy"
    CLIENT_MISTAKE = "client_mistake"


class Action(StrEnum):
    """What is done after a failed call, before the first byte of an answer went to the client.

    `RETRY`: the same target once more after a short pause, then the next one. `NEXT`: the next target at once.
    `NEXT_IF_ASKED`: the next target where the endpoint asks for it, else the client gets the error. `FINAL`: the client
    gets the error.
    """

    RETRY = "retry"
    NEXT = "next"
    NEXT_IF_ASKED = "next if asked"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Rule:
    """What follows from a kind.

    Attributes:
        action: what is done next.
        cools: whether it counts against the target's health, so that some in a row take the target out.
        says: what it is, in a sentence; for the documents.
    """

    action: Action
    cools: bool
    says: str


RULES: Mapping[Kind, Rule] = MappingProxyType(
    {
        # No connection: nothing was sent, and what is behind it seldom ends within a pause.
        Kind.REFUSED: Rule(Action.NEXT, True, "No connection: refused, unreachable, or closed at once."),
        Kind.DNS: Rule(Action.NEXT, True, "The name of the provider cannot be resolved."),
        Kind.TLS: Rule(Action.NEXT, True, "The TLS handshake failed, or the certificate is not trusted."),
        Kind.CONNECT_TIMEOUT: Rule(Action.NEXT, True, "No connection was opened in time."),
        Kind.BUSY: Rule(Action.NEXT, False, "Every connection that this process may open to the provider is in use."),
        # A connection that ended may well be one machine of many that was replaced.
        Kind.RESET: Rule(Action.RETRY, True, "The connection ended before a byte of the answer."),
        Kind.CUT: Rule(Action.RETRY, True, "The connection ended in the middle of the answer."),
        # Time was lost already: the same again would lose it twice.
        Kind.FIRST_BYTE_TIMEOUT: Rule(Action.NEXT, True, "Not a byte of the answer came in time."),
        Kind.STALLED: Rule(Action.NEXT, True, "Request or answer stopped or only dripped, or did not end in time."),
        Kind.MALFORMED: Rule(Action.NEXT, True, "What came is not a whole answer in the provider's dialect."),
        Kind.ERROR_EVENT: Rule(Action.RETRY, True, "A 200 whose body is an error, or whose stream tells one."),
        Kind.REQUEST_TIMEOUT: Rule(Action.RETRY, True, "408: the provider gave up the request."),
        Kind.CONFLICT: Rule(Action.RETRY, False, "409 or 425: the provider does not take this request now."),
        Kind.RATE_LIMITED: Rule(Action.NEXT, True, "429 that says when to come back."),
        Kind.RATE_LIMITED_UNSAID: Rule(Action.RETRY, True, "429 that does not say when to come back."),
        Kind.SERVER_ERROR: Rule(Action.RETRY, True, "500, or another 5xx that is not listed."),
        Kind.BAD_GATEWAY: Rule(Action.RETRY, True, "502."),
        Kind.UNAVAILABLE: Rule(Action.RETRY, True, "503."),
        Kind.GATEWAY_TIMEOUT: Rule(Action.NEXT, True, "504: the provider has waited already."),
        Kind.OVERLOADED: Rule(Action.RETRY, True, "529, or words for it: the model has no capacity left."),
        # What is the operator's to mend: another target has another credential, account or model.
        Kind.AUTH: Rule(Action.NEXT, True, "401 or 403: the provider does not take our credential, or there is none."),
        Kind.QUOTA: Rule(Action.NEXT, True, "402, or words for it: nothing is left to spend."),
        Kind.UNKNOWN_MODEL: Rule(Action.NEXT, True, "404, or words for it: the provider has no such model."),
        # What is about the request: whoever asks again pays again.
        Kind.CONTEXT_WINDOW: Rule(Action.NEXT_IF_ASKED, False, "The request is longer than the model can read."),
        Kind.CONTENT_POLICY: Rule(Action.NEXT_IF_ASKED, False, "The provider's rules on content forbid the request."),
        Kind.CLIENT_MISTAKE: Rule(Action.FINAL, False, "Any other 4xx: the request itself is wrong."),
    }
)
"""The rule of every kind."""
