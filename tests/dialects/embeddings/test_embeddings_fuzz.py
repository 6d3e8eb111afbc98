"""Whatever values come, only errors of ours escape the embeddings wires."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.damage import damaged
from gatewright.dialects.conversation import Dropped
from gatewright.dialects.embeddings import WIRES
from gatewright.errors import ClientError, UpstreamProtocolError

KEYS = st.sampled_from(
    [
        "input",
        "texts",
        "images",
        "inputs",
        "content",
        "parts",
        "text",
        "inlineData",
        "fileData",
        "fileUri",
        "mimeType",
        "data",
        "image",
        "url",
        "image_url",
        "type",
        "requests",
        "instances",
        "parameters",
        "taskType",
        "task_type",
        "task",
        "input_type",
        "dimensions",
        "output_dimension",
        "outputDimensionality",
        "title",
        "model",
        "encoding_format",
        "embedding_type",
        "embedding_types",
        "output_dtype",
        "truncate",
        "truncation",
        "autoTruncate",
        "prompt",
        "inputText",
        "singleEmbeddingParams",
        "value",
        "source",
        "bytes",
        "format",
        "embeddingPurpose",
        "embedding",
        "embeddings",
        "values",
        "float",
        "int8",
        "base64",
        "predictions",
        "statistics",
        "token_count",
        "usage",
        "prompt_tokens",
        "total_tokens",
        "usageMetadata",
        "promptTokenCount",
        "promptTokenDetails",
        "modality",
        "tokenCount",
        "meta",
        "billed_units",
        "input_tokens",
        "index",
        "id",
        "prompt_eval_count",
        "inputTextTokenCount",
    ]
)
WORDS = st.sampled_from(
    ["query", "float", "base64", "text", "image_url", "END", "AAAAAA==", "data:image/png;base64,AA"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=30
)
BODIES = st.dictionaries(KEYS, VALUES, max_size=6)


ASKED = WIRES["openai"].decode_request(
    {"input": ["a"], "dimensions": 2, "input_type": "query", "output_dtype": "int8", "truncate": False}
)
MADE = WIRES["cohere"].decode_answer(
    {"embeddings": {"float": [[0.5, -1.0]]}, "meta": {"billed_units": {"input_tokens": 2}}}
)


def bodies(whole):
    """Any object, and a good body with a few things wrong in it."""
    return BODIES | st.randoms(use_true_random=False).map(lambda chance: damaged(whole, chance))


@pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
@settings(max_examples=30)
@given(data=st.data())
def test_any_request_is_read_or_refused(wire, data):
    """What is read can be written in every wire, or is refused there."""
    body = data.draw(bodies(wire.encode_request(ASKED, "m", Dropped())))
    with contextlib.suppress(ClientError):
        request = wire.decode_request(body)
        for target in WIRES.values():
            with contextlib.suppress(ClientError):
                target.encode_request(request, "m", Dropped())


@pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
@settings(max_examples=30)
@given(data=st.data())
def test_any_answer_is_read_or_the_providers_fault(wire, data):
    """What is read can be shown in every wire."""
    body = data.draw(bodies(wire.encode_answer(MADE, ASKED, Dropped())))
    with contextlib.suppress(UpstreamProtocolError):
        answer = wire.decode_answer(body)
        request = WIRES["openai"].decode_request({"input": ["a"] * len(answer.vectors), "encoding_format": "base64"})
        for client in WIRES.values():
            client.encode_answer(answer, request, Dropped())


@given(
    vectors=st.lists(
        st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1), min_size=1, max_size=3
    )
)
def test_floats_of_32_bits_survive_base64(vectors):
    """Each to the bit, as the client unpacks them."""
    wire = WIRES["openai"]
    rows = {"data": [{"embedding": one} for one in vectors]}
    answer = wire.decode_answer(rows)
    answer.dialect = "another"
    request = wire.decode_request({"input": ["a"] * len(vectors), "encoding_format": "base64"})
    again = wire.decode_answer(wire.encode_answer(answer, request, Dropped()))
    assert again.vectors == vectors
