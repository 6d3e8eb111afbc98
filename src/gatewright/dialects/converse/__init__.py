"""Amazon Bedrock's Converse and ConverseStream: requests, answers and streams, in both directions.

Source of its facts: Amazon Bedrock API reference, "Converse" and "ConverseStream"
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html,
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html). The path of a call names its
model and whether it streams; the body says neither.
"""

from gatewright.dialects.converse.decoder import Decoder
from gatewright.dialects.converse.encoder import Encoder
from gatewright.dialects.converse.errors import ERRORS
from gatewright.dialects.converse.request import decode_request, encode_request
from gatewright.dialects.converse.response import decode_answer, encode_answer
from gatewright.dialects.converse.usage import decode_usage, encode_usage
from gatewright.dialects.converse.wire import NAME

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
