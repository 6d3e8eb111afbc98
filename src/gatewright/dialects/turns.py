"""Turns as APIs demand them that are stricter than others about who speaks after whom."""

from collections.abc import Iterable
from typing import Any

from gatewright.dialects.conversation import Message


def joined(messages: Iterable[Message]) -> Iterable[Message]:
    """The messages, with an assistant's that follow each other as one: results must follow all calls of a turn."""
    last: Message | None = None
    for message in messages:
        if last is not None and message.role == last.role == "assistant":
            last = Message(role="assistant", parts=[*last.parts, *message.parts], rest=last.rest | message.rest)
            continue
        if last is not None:
            yield last
        last = message
    if last is not None:
        yield last


def add_turn(turns: list[dict[str, Any]], message: Message, blocks: list[dict[str, Any]]) -> None:
    """Add a message's blocks to turns that alternate between user and assistant, as `{role, content}`.

    Whoever is no assistant speaks as the user; blocks of the one who spoke last go into their turn.
    """
    role = "assistant" if message.role == "assistant" else "user"
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"] += blocks
    else:
        turns.append({"role": role, "content": blocks})
