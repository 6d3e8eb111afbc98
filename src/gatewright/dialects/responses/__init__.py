"""OpenAI's Responses API (https://platform.openai.com/docs/api-reference/responses)."""

from gatewright.dialects.responses.decoder import Decoder
from gatewright.dialects.responses.encoder import Encoder
from gatewright.dialects.responses.request import decode_request, encode_request, stateful
from gatewright.dialects.responses.response import decode_answer, encode_answer
from gatewright.dialects.responses.usage import decode_usage, encode_usage
from gatewright.dialects.responses.wire import NAME

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
    "stateful",
]
