"""Whose signature a thought or a tool call bears, over the turns of a conversation that may change provider.

A provider accepts only its own signatures and sealed thoughts, and clients send them back as they came. So what goes to
a client of another dialect is marked with its maker, and what comes back goes on to that maker only. The marks are
24 letters of base64, so that a client that decodes a signature still can.
"""

from dataclasses import replace

from gatewright.dialects.conversation import Answer, Dropped, Message, Part, Reasoning, Request, ToolCall
from gatewright.dialects.stream import Event, PartBegan, PartGrew

MARK = b"gatewrightSignedBy"
"""How every mark begins: a body without it holds none. A long text is searched for it faster than for a short word."""

_MARKS = {
    "messages": "gatewrightSignedByMessag",
    "generate_content": "gatewrightSignedByGemini",
    "converse": "gatewrightSignedByConver",
    "cohere": "gatewrightSignedByCohere",
    "chat": "gatewrightSignedByOpenAI",
    "responses": "gatewrightSignedByRespon",
    "ollama_chat": "gatewrightSignedByOllama",
    "ollama_generate": "gatewrightSignedByOllGen",
}
_LENGTH = 24
_UNSIGNED = frozenset({"chat", "cohere", "ollama_chat", "ollama_generate"})
"""Those whose thoughts are plain text: others must not take them for signed ones, and they take those of others."""
_MAKERS = {mark: maker for maker, mark in _MARKS.items()}


class Marker:
    """Marks what one answer is signed with.

    Args:
        maker: name of the dialect of the provider that answers.
    """

    def __init__(self, maker: str) -> None:
        self._mark = _MARKS[maker]
        self._unsigned = maker in _UNSIGNED
        self._begun: set[tuple[int, int]] = set()  # parts whose signature has begun, and with it the mark

    def answer(self, answer: Answer) -> None:
        """Mark a whole answer, in place."""
        for candidate in answer.candidates:
            candidate.parts = [self._part(part) for part in candidate.parts]

    def events(self, event: Event) -> tuple[Event, ...]:
        """An event of a stream, marked; a thought that nobody signs gets the bare mark as its signature."""
        if isinstance(event, PartBegan):
            place = (event.candidate, event.at)
            if isinstance(event.part, ToolCall) and event.part.signature:
                self._begun.add(place)
                return (replace(event, part=self._part(event.part)),)
            if isinstance(event.part, Reasoning) and self._unsigned:
                self._begun.add(place)
                return (event, PartGrew(at=event.at, candidate=event.candidate, signature=self._mark))
        if isinstance(event, PartGrew) and (event.signature or event.sealed):
            return (self._grown(event),)
        return (event,)

    def _grown(self, event: PartGrew) -> PartGrew:
        signature = event.signature
        if signature and (event.candidate, event.at) not in self._begun:
            self._begun.add((event.candidate, event.at))
            signature = self._mark + signature
        return replace(event, signature=signature, sealed=event.sealed and self._mark + event.sealed)

    def _part(self, part: Part) -> Part:
        if isinstance(part, Reasoning):
            signed = part.signature or ("" if self._unsigned else None)
            signature = signed if signed is None else self._mark + signed
            return replace(part, signature=signature, sealed=part.sealed and self._mark + part.sealed)
        if isinstance(part, ToolCall) and part.signature:
            return replace(part, signature=self._mark + part.signature)
        return part


def unproven(maker: str) -> str:
    """What stands for the signature of a thought that broke off before it had one, so that nobody is sent it back.

    Args:
        maker: name of the dialect of its provider; one that signs nothing takes it back all the same.
    """
    return "" if maker in _UNSIGNED else _MARKS["chat"]


def settle(request: Request, provider: str, dropped: Dropped) -> Request:
    """The request as one provider may see it: its own signatures without their mark, and none of another's.

    A thought that another provider signed goes as plain text to a model that signs nothing, and to nobody else.

    Args:
        request: what the client asks; left as it is.
        provider: name of the dialect of the provider that is asked.
        dropped: gets a note when something is left out.
    """
    messages = []
    for message in request.messages:
        parts = [settled for part in message.parts for settled in _settled(part, request.dialect, provider, dropped)]
        messages.append(_with(message, parts))
    return replace(request, messages=messages)


def _with(message: Message, parts: list[Part]) -> Message:
    return message if parts == message.parts else replace(message, parts=parts)


def _settled(part: Part, client: str, provider: str, dropped: Dropped) -> list[Part]:
    if isinstance(part, ToolCall):
        return [replace(part, signature=_own(part.signature, client, provider))]
    if not isinstance(part, Reasoning):
        return [part]
    signature, sealed = _own(part.signature, client, provider), _own(part.sealed, client, provider)
    if signature is None and sealed is None and (part.signature or part.sealed):
        dropped.add("reasoning")
        return [replace(part, signature=None, sealed=None)] if provider in _UNSIGNED and part.text else []
    return [replace(part, signature=signature or None, sealed=sealed)]


def _own(signed: str | None, client: str, provider: str) -> str | None:
    """What is the provider's own, without the mark; unmarked, it is of the dialect the client speaks."""
    if not signed:
        return signed
    maker = _MAKERS.get(signed[:_LENGTH])
    if (maker or client) != provider:
        return None
    return signed[_LENGTH:] if maker else signed
