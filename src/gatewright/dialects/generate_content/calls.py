"""Names for tool calls: Gemini may leave the id out and then ties results to calls by name and order."""

import hashlib
from collections import deque

from gatewright.dialects.conversation import Message, ToolCall


class CallIds:
    """Ids of the calls of one conversation or answer; the same input gets the same ids."""

    def __init__(self, seed: str) -> None:
        """Starts with no calls.

        Args:
            seed: tells this conversation or answer from others, since a client may join the calls of several answers.
        """
        self._seed = seed
        self._made = 0
        self._open: dict[str, deque[str]] = {}

    def call(self, id_: str | None, name: str) -> str:
        """The id of a call: its own or a made-up one."""
        id_ = id_ or self._make(name)
        self._open.setdefault(name, deque()).append(id_)
        return id_

    def result(self, id_: str | None, name: str) -> str:
        """The id of the call that a result answers: its own, or the first unanswered call's of that name."""
        waiting = self._open.get(name)
        if not waiting:
            return id_ or self._make(name)
        if id_ is None:
            return waiting.popleft()
        if id_ in waiting:
            waiting.remove(id_)
        return id_

    def _make(self, name: str) -> str:
        self._made += 1
        text = f"{self._seed}\n{self._made}\n{name}"
        return f"call_{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"


def names(messages: list[Message]) -> dict[str, str]:
    """The name of every tool call, by id."""
    return {part.id: part.name for message in messages for part in message.parts if isinstance(part, ToolCall)}
