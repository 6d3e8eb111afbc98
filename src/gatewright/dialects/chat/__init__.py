"""OpenAI's chat completions, as OpenAI and every provider compatible with it speak them."""

from gatewright.dialects.chat.request import NAME, decode_request, encode_request
from gatewright.dialects.chat.response import decode_answer, encode_answer
from gatewright.dialects.chat.stream import Decoder
from gatewright.dialects.chat.usage import decode_usage, encode_usage
from gatewright.dialects.chat.written import Encoder

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
