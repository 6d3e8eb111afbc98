"""Turns in the order that stricter APIs demand."""

from gatewright.dialects.conversation import Message, Text
from gatewright.dialects.turns import add_turn, joined


def said(role, text):
    return Message(role=role, parts=[Text(text=text)], rest={text: True})


def test_messages_of_an_assistant_that_follow_each_other_become_one():
    """With all parts, and what stood beside them; those of others stay apart, and nobody's message is changed."""
    messages = [said("user", "a"), said("user", "b"), *(said("assistant", one) for one in "cde"), said("user", "f")]
    found = list(joined(messages))
    assert [(one.role, [part.text for part in one.parts]) for one in found] == [
        ("user", ["a"]),
        ("user", ["b"]),
        ("assistant", ["c", "d", "e"]),
        ("user", ["f"]),
    ]
    assert found[2].rest == {"c": True, "d": True, "e": True}
    assert [len(one.parts) for one in messages] == [1] * 6
    assert list(joined([])) == []


def test_turns_alternate_between_user_and_assistant():
    """A tool's results are the user's."""
    turns = []
    for role in ("user", "tool", "assistant", "assistant", "tool"):
        add_turn(turns, said(role, role), [role])
    assert turns == [
        {"role": "user", "content": ["user", "tool"]},
        {"role": "assistant", "content": ["assistant", "assistant"]},
        {"role": "user", "content": ["tool"]},
    ]
