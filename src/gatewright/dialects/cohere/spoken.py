"""An assistant's message as this dialect had it: the same in the turns of a request and in an answer."""

from gatewright.dialects.cohere.citations import encode_citations
from gatewright.dialects.cohere.parts import PLAN, Block, content_of, encode_call, encode_own_content
from gatewright.dialects.conversation import Dropped, Part, Reasoning, Rest, ToolCall


def encode_own(parts: list[Part], bare: bool, rest: Rest, dropped: Dropped) -> Block:
    """The message of parts of this dialect.

    Args:
        parts: what is said.
        bare: whether the content was one plain string.
        rest: fields of the message that are no part.
        dropped: told what is left out.
    """
    made: Block = {"role": "assistant", **rest}
    content = content_of(parts, same=True)
    for part in parts:
        if isinstance(part, Reasoning) and PLAN in part.form:
            made[PLAN] = made.get(PLAN, "") + part.text
    encode_own_content(made, content, bare, dropped)
    calls = [encode_call(part, same=True, dropped=dropped) for part in parts if isinstance(part, ToolCall)]
    if calls:
        made["tool_calls"] = calls
    citations = encode_citations(content, None) + (rest.get("citations") or [])
    if citations:
        made["citations"] = citations
    return made
