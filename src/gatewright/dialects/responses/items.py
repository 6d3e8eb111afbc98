"""Items: what `input` and `output` are lists of. A message is one, and so is each tool call, tool output and thought.

What the model said comes as several items in a row; they make one assistant message here, as in every other dialect.
A part remembers in `form["item"]` that an item of its own began with it. Shapes: OpenAI API reference, "Responses"
(https://platform.openai.com/docs/api-reference/responses/create).
"""

from dataclasses import replace
from typing import Any

from gatewright.dialects.conversation import (
    Dropped,
    Media,
    Message,
    Native,
    Part,
    Reasoning,
    Rest,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from gatewright.dialects.fields import Fault, Fields
from gatewright.dialects.responses.content import Wire, decode_part, encode_part
from gatewright.dialects.responses.wire import picked, taken

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "developer"}
_NAMES = ("id", "status")  # of an item; they say nothing that another dialect could use

# Types of calls: the field of what the tool is given; and types of what it answered.
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
_OUTPUTS = tuple(f"{kind}_output" for kind in _CALLS)

# `encrypted_content` is the one field that clients must send back as it came, so the signatures of other providers'
# thoughts and calls travel in it, marked by these.
SIGNATURE = "gatewright.signature."
CALL_SIGNATURE = "gatewright.call."


def decode_input(found: list[Any], fault: Fault) -> list[Message]:
    """The messages of a request's items; `fault` makes the error when one has the wrong shape."""
    messages: list[Message] = []
    for index, entry in enumerate(found):
        item = Fields(entry, f"input[{index}]", fault)
        kind = _kind(item)
        if kind in _OUTPUTS:
            messages.append(Message(role="tool", parts=[_decode_result(item)]))
        elif kind == "message" and item.peek("role") != "assistant":
            messages.append(_decode_message(item))
        else:
            if not messages or messages[-1].role != "assistant":
                messages.append(Message(role="assistant"))
            add_item(messages[-1].parts, item)
    return messages


def add_item(parts: list[Part], item: Fields) -> None:
    """Add to the parts of a turn of the model what one of its items says."""
    kind = _kind(item)
    if kind == "message":
        parts += _decode_said(item)
    elif kind in _CALLS:
        parts.append(_decode_call(item))
    elif kind == "reasoning":
        thought = _decode_reasoning(item)
        if not _sign_call(parts, thought):
            parts.append(thought)
    elif kind == "image_generation_call" and isinstance(item.peek("result"), str):
        kind = f"image/{item.peek('output_format') or 'png'}"
        parts.append(Media(kind="image", media_type=kind, data=item.need("result", str), form=item.left))
    else:
        parts.append(Native(rest=item.left))


def encode_messages(messages: list[Message], dropped: Dropped, *, same: bool) -> list[Wire]:
    """The items of messages, for a request."""
    items: list[Wire] = []
    free = {part.id for message in messages for part in message.parts if isinstance(part, ToolCall) and part.custom}
    for message in messages:
        together: list[Part] = []  # content that makes one message item
        for part in message.parts if same else _joined(message.parts):
            alone = stands_alone(part, assistant=message.role == "assistant")
            if together and (alone or (same and "item" in part.form)):
                items += _encode_message(message, together, dropped, same=same)
                together = []
            if alone:
                items += encode_alone(part, dropped, same=same)
                if isinstance(part, ToolResult) and part.id in free:
                    items[-1]["type"] = _OUTPUTS[1]
            else:
                together.append(part)
        if together or not message.parts:
            items += _encode_message(message, together, dropped, same=same)
    return items


def stands_alone(part: Part, *, assistant: bool) -> bool:
    """Whether a part is an item by itself rather than content of a message."""
    if isinstance(part, ToolCall | ToolResult | Reasoning):
        return True
    return assistant and isinstance(part, Media | Native) and "content" not in part.form


def encode_alone(part: Part, dropped: Dropped, *, same: bool, answer: bool = False) -> list[Wire]:
    """A part that stands alone as its items: mostly one, none for what this API has no place for, which is then noted.

    Args:
        part: the part.
        dropped: takes the notes.
        same: whether the part comes from this dialect.
        answer: whether a client will read it and send it back, so that it may carry other providers' signatures.
    """
    rest = {} if isinstance(part, Native) else dropped.rest(part, same=same)
    form = part.form if same else {}
    carry = answer or same
    match part:
        case ToolCall():
            items = [{**_encode_call(part, same=same), **form, **rest}]
            if part.signature and carry:
                seal = f"{CALL_SIGNATURE}{part.id}.{part.signature}"
                items.append({"type": "reasoning", "summary": [], "encrypted_content": seal})
            return items
        case ToolResult():
            return [_encode_result(part, rest, dropped, same=same)]
        case Reasoning():
            return _encode_reasoning(part, rest, dropped, carry=carry, same=same, answer=answer)
        case Native() if same:
            return [part.rest]
        case Media(kind="image", data=str()) if carry:
            return [{"type": "image_generation_call", "result": part.data, **form, **rest}]
    if isinstance(part, Native):
        dropped.native(part)
    else:
        dropped.add(part.kind if isinstance(part, Media) else type(part).__name__.lower())
    return []


def _encode_call(call: ToolCall, *, same: bool) -> Wire:
    said = {"call_id": call.id, "name": call.name}
    if call.custom:
        return {"type": "custom_tool_call", **said, "input": call.arguments}
    return {"type": "function_call", **said, "arguments": call.arguments if same else call.arguments or "{}"}


def summary(thought: str) -> list[Wire]:
    """A thought as the `summary` of a reasoning item."""
    return [{"type": "summary_text", "text": thought}] if thought else []


def _joined(parts: list[Part]) -> list[Part]:
    """Parts with each thought and its sealed form in one, which other dialects have as two in a row."""
    joined: list[Part] = []
    for part in parts:
        match joined[-1:], part:
            case [Reasoning(text=str(said), sealed=None) as thought], Reasoning(text="", sealed=str(sealed)) if (
                said and not thought.signature
            ):
                joined[-1] = replace(thought, sealed=sealed)
            case _:
                joined.append(part)
    return joined


def _kind(item: Fields) -> str:
    return item.checked("type", item.left.get("type", "message" if "role" in item.left else "item_reference"), str)


def _decode_message(item: Fields) -> Message:
    role = _ROLES.get(item.need("role", str))
    if role is None:
        raise item.wrong("role", f"one of {', '.join(_ROLES)}")
    message = Message(role=role, rest=item.left, form=taken(item, ("type", *_NAMES)))
    message.parts, message.bare = _decode_content(item, "content", assistant=False)
    return message


def _decode_said(item: Fields) -> list[Part]:
    if item.peek("content") == []:
        return [Native(rest=item.left)]
    parts, bare = _decode_content(item, "content", assistant=True)
    for part in parts:
        if isinstance(part, Media | Native):
            part.form = {**part.form, "content": True}
    parts[0].form = {**parts[0].form, "item": item.left, **({"bare": True} if bare else {})}
    return parts


def _decode_content(item: Fields, key: str, *, assistant: bool) -> tuple[list[Part], bool]:
    """Take a content: its parts, and whether it was one plain string."""
    content = item.pop(key)
    if isinstance(content, str):
        return [Text(text=content)], True
    if not isinstance(content, list):
        raise item.wrong(key, "a string or a list")
    where = item.path(key)
    parts = [decode_part(one, f"{where}[{at}]", item.fault, assistant=assistant) for at, one in enumerate(content)]
    return parts, False


def _decode_call(item: Fields) -> ToolCall:
    kind = item.need("type", str)
    name, call_id, arguments = (item.need(field, str) for field in ("name", "call_id", _CALLS[kind]))
    custom = kind != "function_call"
    return ToolCall(id=call_id, name=name, arguments=arguments, custom=custom, form=taken(item, _NAMES), rest=item.left)


def _decode_result(item: Fields) -> ToolResult:
    parts, bare = _decode_content(item, "output", assistant=False)
    kind = item.pop("type")
    return ToolResult(
        id=item.need("call_id", str),
        name=item.get("name", str),
        parts=parts,
        bare=bare,
        rest=item.left,
        form=taken(item, _NAMES) | ({} if kind == _OUTPUTS[0] else {"type": kind}),
    )


def _decode_reasoning(item: Fields) -> Reasoning:
    sealed = item.get("encrypted_content", str)
    form = taken(item, (*_NAMES, "summary", "content"))
    item.pop("type")
    thought = Reasoning(text=_thought(form), rest=item.left, form=form)
    if sealed is not None and sealed.startswith(SIGNATURE):
        thought.signature = sealed.removeprefix(SIGNATURE)
    else:
        thought.sealed = sealed
    return thought


def _thought(form: Rest) -> str:
    """The text of a thought: its own words where the wire has them, else the summary."""
    for field in ("content", "summary"):
        pieces = form.get(field)
        texts = [piece.get("text") for piece in pieces if isinstance(piece, dict)] if isinstance(pieces, list) else []
        if found := "\n\n".join(piece for piece in texts if isinstance(piece, str)):
            return found
    return ""


def _sign_call(parts: list[Part], thought: Reasoning) -> bool:
    """Give a call its signature back, if that is what the thought carries."""
    if thought.sealed is None or not thought.sealed.startswith(CALL_SIGNATURE):
        return False
    call_id, _, signature = thought.sealed.removeprefix(CALL_SIGNATURE).rpartition(".")
    for part in reversed(parts):
        if isinstance(part, ToolCall) and part.id == call_id:
            part.signature = signature
            return True
    return False


def _encode_message(message: Message, parts: list[Part], dropped: Dropped, *, same: bool) -> list[Wire]:
    """The message items of content that stands together: one, but for an answer of another dialect."""
    assistant = message.role == "assistant"
    content = [
        wire for part in parts if (wire := encode_part(part, dropped, same=same, assistant=assistant)) is not None
    ]
    if same:
        fields = parts[0].form.get("item") if assistant and parts else None
        bare = message.bare if fields is None else "bare" in parts[0].form
        if fields is None:
            fields = {"role": message.role, **message.form, **message.rest}
        return [{**fields, "content": content[0]["text"] if bare and len(content) == 1 else content}]
    dropped.rest(message, same=False)
    texts = [part for part in parts if isinstance(part, Text)]
    dropped.update(["citations"] if any(text.citations for text in texts) else [])
    dropped.update(["logprobs"] if any(text.scores for text in texts) else [])
    role = "user" if message.role == "tool" else message.role
    if assistant:
        # The form with plain text asks for no made-up ids.
        return [
            {"role": role, "content": wire["text"]}
            if wire["type"] == "output_text"
            else {"type": "message", "role": role, "content": [wire]}
            for wire in content
        ]
    bare = len(content) == 1 and content[0]["type"] == "input_text"
    return [{"role": role, "content": content[0]["text"] if bare else content}] if content else []


def _encode_result(result: ToolResult, rest: Rest, dropped: Dropped, *, same: bool) -> Wire:
    item: Wire = {"type": "function_call_output", "call_id": result.id}
    content = [wire for part in result.parts if (wire := encode_part(part, dropped, same=same)) is not None]
    texts = [wire["text"] for wire in content if wire["type"] == "input_text"]
    if same:
        name = {} if result.name is None else {"name": result.name}
        output = texts[0] if result.bare and len(texts) == len(content) == 1 else content
        return {**item, **name, "output": output, **result.form, **rest}
    if result.error:
        dropped.add("is_error")
    return {**item, "output": "".join(texts) if len(texts) == len(content) <= 1 else content}


def _encode_reasoning(
    thought: Reasoning, rest: Rest, dropped: Dropped, *, carry: bool, same: bool, answer: bool
) -> list[Wire]:
    sealed = thought.sealed
    if sealed is None and thought.signature is not None and carry:
        sealed = SIGNATURE + thought.signature
    encrypted = {} if sealed is None else {"encrypted_content": sealed}
    if same and thought.text == _thought(thought.form):
        return [{"type": "reasoning", **thought.form, **encrypted, **rest}]
    if sealed is None and not answer:
        # A request may only bring back what the provider itself sealed.
        dropped.add("reasoning")
        return []
    names = picked(thought.form, _NAMES) if same else {}
    return [{"type": "reasoning", **names, "summary": summary(thought.text), **encrypted, **rest}]
