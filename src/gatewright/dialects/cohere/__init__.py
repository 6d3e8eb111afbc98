"""Cohere's v2 chat API: requests, answers and streams, in both directions.

Source of its facts: Cohere API reference, "Chat" and "Chat with Streaming" (https://docs.cohere.com/v2/reference/chat,
https://docs.cohere.com/v2/reference/chat-stream). The older v1 API (`message`, `chat_history`) is not spoken.
"""

from gatewright.dialects.cohere.decoder import Decoder
from gatewright.dialects.cohere.encoder import Encoder
from gatewright.dialects.cohere.errors import ERRORS
from gatewright.dialects.cohere.request import decode_request, encode_request
from gatewright.dialects.cohere.response import decode_answer, encode_answer
from gatewright.dialects.cohere.usage import decode_usage, encode_usage
from gatewright.dialects.cohere.wire import NAME

__all__ = [
    "ERRORS",
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
