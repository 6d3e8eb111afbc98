"""Anthropic's Messages API: requests, answers and streams, in both directions.

Source of its facts: Anthropic API reference, "Messages" and "Streaming Messages"
(https://platform.claude.com/docs/en/api/messages, https://platform.claude.com/docs/en/build-with-claude/streaming).
"""

from gatewright.dialects.messages.request import NAME, decode_request, encode_request
from gatewright.dialects.messages.response import decode_answer, decode_usage, encode_answer, encode_usage
from gatewright.dialects.messages.stream import Decoder, Encoder

__all__ = [
    "NAME",
    "Decoder",
    "Encoder",
    "decode_answer",
    "decode_request",
    "decode_usage",
    "encode_answer",
    "encode_request",
    "encode_usage",
]
