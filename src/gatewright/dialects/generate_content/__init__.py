"""The dialect of Google's Gemini, at ai.google.dev and on Vertex AI: `generateContent`, `streamGenerateContent`."""

from gatewright.dialects.generate_content.decoder import Decoder
from gatewright.dialects.generate_content.encoder import Encoder
from gatewright.dialects.generate_content.request import NAME, decode_request, encode_request
from gatewright.dialects.generate_content.response import decode_answer, encode_answer
from gatewright.dialects.generate_content.usage import decode_usage, encode_usage

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
