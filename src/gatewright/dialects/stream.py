"""The events of a streamed answer, as every dialect translates them; the parts are those of `conversation.py`.

In order: `Began`, then of each part `PartBegan`, any `PartGrew` and `PartEnded` (the parts of one answer one after the
other), `Finished`, `Counted` wherever the wire has it, and `Ended`; or `Failed`, after which nothing follows.
"""

from dataclasses import dataclass, field
from typing import Protocol

from gatewright.dialects.conversation import Citation, Finish, Node, Part, TokenScore, Usage


@dataclass(slots=True, kw_only=True)
class Began(Node):
    """the answer begins. First, and once.

    Attributes:
        id: the provider's name for the answer; empty where the wire does not say.
        model: the model that answers.
        created: seconds since the epoch.
        dialect: name of the dialect of origin; an encoder of the same one puts every `rest` and `form` back.
        service_tier: the tier that serves it, as the wire has it; None where it does not say.
    """

    id: str = ""
    model: str = ""
    created: int | None = None
    dialect: str = ""
    service_tier: str | None = None


@dataclass(slots=True, kw_only=True)
class PartBegan(Node):
    """a part begins.

    Attributes:
        at: its place among the parts of the answer, from 0.
        part: what is known of it so far: kind, and of a tool call its id and name. Its texts are empty.
        candidate: which answer it belongs to.
    """

    at: int
    part: Part
    candidate: int = 0


@dataclass(slots=True, kw_only=True)
class PartGrew(Node):
    """a part goes on.

    Attributes:
        at: its place.
        text: more of its text, or of a tool call's arguments.
        signature: more of its signature.
        sealed: the sealed form of a thought, whole; providers tell it when the thought is complete.
        candidate: which answer it belongs to.
        citations: where what was said so far comes from; each is told once.
        scores: how likely the tokens of `text` were.
    """

    at: int
    text: str = ""
    signature: str = ""
    sealed: str = ""
    candidate: int = 0
    citations: list[Citation] = field(default_factory=list)
    scores: list[TokenScore] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class PartEnded(Node):
    """a part is complete. Every part that began ends, before `Ended`."""

    at: int
    candidate: int = 0


@dataclass(slots=True, kw_only=True)
class Counted(Node):
    """usage so far; a later one replaces an earlier one."""

    usage: Usage


@dataclass(slots=True, kw_only=True)
class Finished(Node):
    """an answer is complete."""

    finish: Finish
    stop_text: str | None = None
    candidate: int = 0


@dataclass(slots=True, kw_only=True)
class Failed(Node):
    """the provider reports an error inside its stream; nothing follows.

    Attributes:
        message: its words.
        kind: its type or code; empty when it says none.
        status: HTTP status that fits; 500 when unknown.
    """

    message: str
    kind: str = ""
    status: int = 500


@dataclass(slots=True, kw_only=True)
class Ended(Node):
    """the stream is complete, as its dialect's own terminator says. Last, and once."""


Event = Began | PartBegan | PartGrew | PartEnded | Counted | Finished | Failed | Ended


class StreamDecoder(Protocol):
    """Bytes of a provider's stream to events, as they come."""

    def feed(self, data: bytes) -> list[Event]:
        """The events that the bytes complete.

        Raises:
            UpstreamProtocolError: when they are not the dialect's.
        """
        ...

    def end(self) -> list[Event]:
        """The events left when the bytes have ended.

        Raises:
            UpstreamProtocolError: when the stream was not complete.
        """
        ...


class StreamEncoder(Protocol):
    """Events to bytes of a client's stream, as they come."""

    def encode(self, event: Event) -> bytes:
        """The bytes of one event; often none."""
        ...
