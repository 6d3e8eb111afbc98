"""Tool calls: an entry of `tool_calls`, and which call a result answers.

Source: "Tool calling" (https://docs.ollama.com/capabilities/tool-calling). Arguments are an object. Servers before 0.12
give no `id`, and clients may answer with `tool_name` alone or with neither: then a call gets a made-up id, and a result
that of the first call it can answer.
"""

import hashlib
from collections import OrderedDict
from typing import Any

from gatewright.dialects.conversation import Dropped, ToolCall
from gatewright.dialects.fields import Fields, to_text
from gatewright.dialects.freetext import to_arguments
from gatewright.dialects.ollama.wire import closed, difference, opened, restored


class CallIds:
    """Ids of the calls of one conversation or answer; the same input gets the same ids.

    Args:
        seed: tells this conversation or answer from others, since a client may join the calls of several answers.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._made = 0
        self._open: OrderedDict[str, str] = OrderedDict()  # names of the unanswered calls, by id
        self._named: dict[str, OrderedDict[str, None]] = {}  # ids of the unanswered calls, by name

    def turn(self) -> None:
        """The model speaks again: nothing answers the calls of its turns before."""
        self._open.clear()
        self._named.clear()

    def call(self, own: str | None, name: str) -> str:
        """The id of a call: its own or a made-up one."""
        id_ = own or self._make(name)
        self._open[id_] = name
        self._named.setdefault(name, OrderedDict())[id_] = None
        return id_

    def result(self, own: str | None, name: str | None) -> str:
        """The id of the call that a result answers: its own, or that of the first call, of that name if it has one."""
        id_ = own or next(iter(self._open if name is None else self._named.get(name, ())), None)
        if id_ is None:
            return self._make(name or "")
        called = self._open.pop(id_, None)
        if called is not None:
            self._named[called].pop(id_, None)
        return id_

    def _make(self, name: str) -> str:
        self._made += 1
        text = f"{self._seed}\n{self._made}\n{name}"
        return f"call_{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"


def decode_call(fields: Fields, ids: CallIds) -> ToolCall:
    """An entry of `tool_calls`."""
    wire = dict(fields.left)
    inner = fields.inner("function")
    said = dict(inner.left)
    name = inner.need("name", str)
    arguments = to_text(inner.get("arguments", dict) or {})
    inner.pop("index")  # where it stands, which its place in the list says too
    fields.pop("type")
    call = ToolCall(id=ids.call(fields.get("id", str), name), name=name, arguments=arguments)
    call.form["function"] = difference(said, _function(call) | inner.left)
    closed(fields, "function", inner)
    call.rest = fields.left
    call.form |= difference(wire, encode_call(call, 0, Dropped(), same=True))
    return call


def encode_call(call: ToolCall, index: int, dropped: Dropped, *, same: bool) -> dict[str, Any]:
    """An entry of `tool_calls`.

    Args:
        call: the call.
        index: its place among the calls of the answer.
        dropped: told what this API cannot express.
        same: whether it comes from this dialect.
    """
    if not same:
        dropped.rest(call, same=False)
        return {"id": call.id, "function": {"index": index, **_function(call)}}
    outer, inner = opened(call.rest, "function")
    function = restored(_function(call) | inner, call.form.get("function", {}))
    return restored({"id": call.id, "function": function} | outer, call.form)


def _function(call: ToolCall) -> dict[str, Any]:
    return {"name": call.name, "arguments": to_arguments(call)}
