"""What a request means in other wires, what they lose, and what is refused."""

import base64
import struct

import pytest

from gatewright.dialects.conversation import Dropped, Text, Usage
from gatewright.dialects.embeddings import WIRES, EmbeddingAnswer, EmbeddingInput, EmbeddingRequest
from gatewright.errors import ClientError, UpstreamProtocolError

PNG = "data:image/png;base64,iVBORw0KGgo="


def translated(body, client, target, model="m"):
    """A client's body in the target's words, and what was dropped."""
    dropped = Dropped()
    return WIRES[target].encode_request(WIRES[client].decode_request(body), model, dropped), dropped


ASKED = {"model": "e", "input": "a", "dimensions": 8, "input_type": "query", "truncate": False, "user": "u"}


@pytest.mark.parametrize(
    ("target", "body", "dropped"),
    [
        (
            "voyage",
            {"model": "m", "input": "a", "output_dimension": 8, "input_type": "query", "truncation": False},
            {"user"},
        ),
        (
            "jina",
            {"model": "m", "input": "a", "dimensions": 8, "task": "retrieval.query", "truncate": False},
            {"user"},
        ),
        ("mistral", {"model": "m", "input": "a", "output_dimension": 8}, {"user", "input_type", "truncate"}),
        (
            "nvidia",
            {"model": "m", "input": "a", "dimensions": 8, "input_type": "query", "truncate": "NONE", "user": "u"},
            set(),
        ),
        (
            "embedContent",
            {"content": {"parts": [{"text": "a"}]}, "outputDimensionality": 8, "taskType": "RETRIEVAL_QUERY"},
            {"user", "truncate"},
        ),
        (
            "batchEmbedContents",
            {
                "requests": [
                    {
                        "model": "models/m",
                        "content": {"parts": [{"text": "a"}]},
                        "outputDimensionality": 8,
                        "taskType": "RETRIEVAL_QUERY",
                    }
                ]
            },
            {"user", "truncate"},
        ),
        (
            "vertex-predict",
            {
                "instances": [{"content": "a", "task_type": "RETRIEVAL_QUERY"}],
                "parameters": {"outputDimensionality": 8, "autoTruncate": False},
            },
            {"user"},
        ),
        (
            "cohere",
            {
                "model": "m",
                "texts": ["a"],
                "input_type": "search_query",
                "embedding_types": ["float"],
                "output_dimension": 8,
                "truncate": "NONE",
            },
            {"user"},
        ),
        ("ollama-embed", {"model": "m", "input": ["a"], "dimensions": 8, "truncate": False}, {"user", "input_type"}),
        (
            "ollama-embeddings",
            {"model": "m", "prompt": "a"},
            {"user", "input_type", "dimensions", "truncate"},
        ),
        ("titan", {"inputText": "a", "dimensions": 8}, {"user", "input_type", "truncate"}),
        ("titan-v1", {"inputText": "a"}, {"user", "input_type", "truncate", "dimensions"}),
        (
            "nova",
            {
                "taskType": "SINGLE_EMBEDDING",
                "singleEmbeddingParams": {
                    "embeddingPurpose": "GENERIC_RETRIEVAL",
                    "embeddingDimension": 8,
                    "text": {"truncationMode": "NONE", "value": "a"},
                },
            },
            {"user"},
        ),
    ],
)
def test_parameters_are_said_in_the_words_of_the_target(target, body, dropped):
    """And those it has no words for are named."""
    assert translated(ASKED, "openai", target) == (body, dropped)


@pytest.mark.parametrize(
    ("said", "purpose"),
    [
        ({"input_type": "passage"}, "document"),
        ({"input_type": "search_document"}, "document"),
        ({"task": "retrieval.passage"}, "document"),
        ({"task": "separation"}, "clustering"),
        ({"task": "clustering"}, "clustering"),
        ({"task": "text-matching"}, "similarity"),
        ({"input_type": "something new"}, None),
        ({"input_type": ["query"]}, None),
    ],
)
def test_a_client_of_the_openai_path_may_use_anyones_words(said, purpose):
    """Those nobody knows are kept, and named when they are lost."""
    body = {"model": "m", "input": ["a"], **said}
    request = WIRES["openai"].decode_request(body)
    assert request.purpose == purpose
    assert WIRES["openai"].encode_request(request, "m", Dropped()) == body
    assert translated(body, "openai", "titan")[1] == {"input_type"} if purpose else {*said}


@pytest.mark.parametrize("purpose", ["CODE_RETRIEVAL_QUERY", "QUESTION_ANSWERING", "FACT_VERIFICATION"])
def test_a_query_of_a_kind_is_a_query_where_there_is_only_one(purpose):
    """What it is sought in are documents either way."""
    body = {"content": {"parts": [{"text": "a"}]}, "taskType": purpose}
    assert translated(body, "embedContent", "cohere")[0]["input_type"] == "search_query"
    assert translated(body, "embedContent", "vertex-predict")[0]["instances"][0]["task_type"] == purpose


def test_cohere_is_always_told_what_for():
    """Its API requires it; who did not say gets vectors of documents."""
    assert translated({"model": "e", "input": "a"}, "openai", "cohere")[0]["input_type"] == "search_document"
    body, dropped = translated(
        {"content": {"parts": [{"text": "a"}]}, "taskType": "SEMANTIC_SIMILARITY"}, "embedContent", "cohere"
    )
    assert (body["input_type"], dropped) == ("search_document", {"input_type"})


def test_bedrock_has_words_of_its_own_for_where_to_cut():
    """Embed v4 says left and right, v3 start and end; neither body has the model."""
    body = {"model": "e", "texts": ["a"], "input_type": "search_query", "truncate": "END", "embedding_types": ["float"]}
    found, dropped = translated(body, "cohere", "bedrock-cohere", "us.cohere.embed-v4:0")
    assert (found, dropped) == ({key: body[key] for key in body if key != "model"} | {"truncate": "RIGHT"}, set())
    assert translated(body, "cohere", "bedrock-cohere", "cohere.embed-english-v3")[0]["truncate"] == "END"


@pytest.mark.parametrize("wire", [name for name, wire in WIRES.items() if wire.most == 1])
def test_a_wire_of_one_text_refuses_several(wire):
    """It says so, and what to do."""
    with pytest.raises(ClientError, match="takes one text a request; send one"):
        translated({"model": "e", "input": ["a", "b"]}, "openai", wire)


def test_titles_go_where_there_are_titles():
    """Elsewhere they are named."""
    body = {"requests": [{"content": {"parts": [{"text": text}]}, "title": text.upper()} for text in "ab"]}
    instances = translated(body, "batchEmbedContents", "vertex-predict")[0]["instances"]
    assert instances == [{"content": "a", "title": "A"}, {"content": "b", "title": "B"}]
    assert translated(body, "batchEmbedContents", "openai")[1] == {"title"}


def test_what_only_google_knows_goes_from_one_call_of_its_to_the_other():
    """Beside the content, where both calls have it; others are told."""
    body = {"content": {"parts": [{"text": "a"}]}, "autoTruncate": False}
    batch = {"requests": [{"model": "models/m", **body}]}
    assert translated(body, "embedContent", "batchEmbedContents") == (batch, set())
    assert translated(batch, "batchEmbedContents", "embedContent") == (body, set())
    assert translated(body, "embedContent", "titan")[1] == {"autoTruncate"}


def test_requests_of_a_batch_that_differ_stay_as_they_are():
    """Another wire has one purpose a request, so it is told what it loses."""
    kinds = ["RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT"]
    body = {"requests": [{"model": "models/m", "content": {"parts": [{"text": "a"}]}, "taskType": k} for k in kinds]}
    assert translated(body, "batchEmbedContents", "batchEmbedContents") == (body, set())
    assert translated(body, "batchEmbedContents", "openai")[1] == {"taskType"}


@pytest.mark.parametrize(
    ("body", "client"),
    [
        ({"images": [PNG], "input_type": "image"}, "bedrock-cohere"),
        ({"model": "m", "inputs": [{"content": [{"type": "image_url", "image_url": {"url": PNG}}]}]}, "cohere"),
        ({"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]}}, "embedContent"),
        ({"model": "m", "input": [{"image": PNG}]}, "jina"),
    ],
)
def test_images_go_between_the_wires_that_have_them(body, client):
    """And are refused by those that do not."""
    assert translated(body, client, client) == (body, set())
    seen = translated(body, client, "embedContent")[0]["content"]["parts"]
    assert seen == [{"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]
    if client not in ("cohere", "bedrock-cohere"):
        assert translated(body, client, "cohere")[0]["images"] == [PNG]
    if client != "jina":
        assert translated(body, client, "jina")[0]["input"] == [{"image": "iVBORw0KGgo="}]
    assert "image" in translated(body, client, "nova")[0]["singleEmbeddingParams"]
    with pytest.raises(ClientError, match="cannot embed the image"):
        translated(body, client, "titan")


def test_texts_and_images_of_one_vector_stay_together():
    """Gemini's content is Cohere's input."""
    parts = [{"text": "a"}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]
    found, _ = translated({"content": {"parts": parts}}, "embedContent", "cohere")
    content = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": PNG}}]
    assert found["inputs"] == [{"content": content}]


@pytest.mark.parametrize(
    ("number", "code", "values"),
    [("int8", "b", [-3, 127]), ("ubinary", "B", [0, 255]), (None, "f", [-3, 127]), ("int8", "f", [0.5, -0.25])],
)
def test_base64_holds_the_numbers_that_were_asked_for(number, code, values):
    """Whole numbers where they are whole, 32-bit floats otherwise."""
    inputs = [EmbeddingInput(parts=[Text(text="a")])]
    request = EmbeddingRequest(dialect="openai", inputs=inputs, packed=True, number=number)
    body = WIRES["openai"].encode_answer(EmbeddingAnswer(dialect="cohere", vectors=[values]), request, Dropped())
    raw = base64.b64decode(body["data"][0]["embedding"])
    assert struct.unpack(f"<2{code}", raw) == tuple(values)


def test_a_cohere_client_gets_whole_numbers_under_their_type():
    """And floats where a provider has nothing else."""
    inputs = [EmbeddingInput(parts=[Text(text="a")])]
    request = EmbeddingRequest(dialect="cohere", inputs=inputs, number="int8")

    def shown(vector):
        answer = EmbeddingAnswer(dialect="openai", vectors=[vector])
        return WIRES["cohere"].encode_answer(answer, request, Dropped())["embeddings"]

    assert shown([1, -2]) == {"int8": [[1, -2]]}
    assert shown([0.5, -2]) == {"float": [[0.5, -2]]}


def test_further_types_of_a_cohere_answer_stay_in_their_wire():
    """Other clients are told that there were more."""
    body = {"id": "i", "embeddings": {"float": [[0.5]], "int8": [[1]]}, "texts": ["a"]}
    answer = WIRES["cohere"].decode_answer(body)
    request = WIRES["cohere"].decode_request({"texts": ["a"]})
    assert WIRES["cohere"].encode_answer(answer, request, Dropped()) == body
    dropped = Dropped()
    assert WIRES["titan"].encode_answer(answer, request, dropped) == {"embedding": [0.5]}
    assert dropped == {"embeddings"}


def test_vectors_are_put_in_the_order_of_the_inputs():
    """By their index, not by their place."""
    rows = [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]
    assert WIRES["openai"].decode_answer({"data": rows}).vectors == [[1.0], [2.0]]


def test_images_are_counted_apart():
    """By Gemini's modalities and Cohere's units, which say the same."""
    details = [{"modality": "TEXT", "tokenCount": 2}, {"modality": "IMAGE", "tokenCount": 3}]
    wire = {"embedding": {"values": [1.0]}, "usageMetadata": {"promptTokenCount": 5, "promptTokenDetails": details}}
    usage = WIRES["embedContent"].decode_answer(wire).usage
    assert (usage.input, usage.input_image) == (2, 3)
    inputs = [EmbeddingInput(parts=[Text(text="a")])]
    answer = EmbeddingAnswer(dialect="x", vectors=[[1.0]], usage=Usage(input=2, input_image=3))
    body = WIRES["cohere"].encode_answer(answer, EmbeddingRequest(dialect="cohere", inputs=inputs), Dropped())
    assert body["meta"]["billed_units"] == {"input_tokens": 2, "image_tokens": 3}


NAN = base64.b64encode(struct.pack("<2f", 1.0, float("nan"))).decode()


@pytest.mark.parametrize(
    ("wire", "body"),
    [
        ("openai", {}),
        ("openai", {"data": []}),
        ("openai", {"data": [{"index": 0, "embedding": NAN}]}),
        ("openai", {"data": [{"index": 0, "embedding": "AAA"}]}),
        ("openai", {"data": [{"index": 0, "embedding": "AAA="}]}),
        ("openai", {"data": [{"index": 0, "embedding": "é"}]}),
        ("openai", {"data": [{"index": 0, "embedding": [1.0, None]}]}),
        ("openai", {"data": [{"index": 0, "embedding": [True]}]}),
        ("openai", {"data": [{"index": 0, "embedding": [1e300]}]}),
        ("openai", {"data": [{"index": 0, "embedding": [10**400]}]}),
        ("openai", {"data": [{"index": 0, "embedding": [float("nan")]}]}),
        ("openai", {"data": [{"index": 1, "embedding": [1.0]}]}),
        ("openai", {"data": [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}]}),
        ("openai", {"data": [{"embedding": [1.0]}], "usage": {"prompt_tokens": -1}}),
        ("embedContent", {"embeddings": [{"values": [1.0]}]}),
        ("batchEmbedContents", {"embeddings": [{}]}),
        ("vertex-predict", {"predictions": [{"embeddings": {"values": [1.0], "statistics": {"token_count": 0.5}}}]}),
        ("cohere", {"embeddings": {"int4": [[1]]}}),
        ("ollama-embed", {"embeddings": [[]]}),
        ("titan", {"embedding": "x"}),
        ("nova", {"embeddings": [{"embedding": {}}]}),
    ],
)
def test_an_answer_of_another_shape_is_the_providers_fault(wire, body):
    """Also one whose vectors are no numbers."""
    with pytest.raises(UpstreamProtocolError):
        WIRES[wire].decode_answer(body)


def test_an_answer_must_have_a_vector_for_each_input():
    """Half of an answer is none."""
    request = WIRES["openai"].decode_request({"input": ["a", "b"]})
    answer = WIRES["openai"].decode_answer({"data": [{"embedding": [1.0]}]})
    for wire in WIRES.values():
        with pytest.raises(UpstreamProtocolError, match="1 vectors for 2 inputs"):
            wire.encode_answer(answer, request, Dropped())


@pytest.mark.parametrize(
    ("wire", "body"),
    [
        ("openai", {}),
        ("openai", {"input": []}),
        ("openai", {"input": {}}),
        ("openai", {"input": ["a", None]}),
        ("openai", {"input": [1, "a"]}),
        ("openai", {"input": "a", "dimensions": "8"}),
        ("embedContent", {"content": {"parts": []}}),
        ("batchEmbedContents", {"requests": []}),
        ("batchEmbedContents", {"requests": ["a"]}),
        ("vertex-predict", {"instances": [{"text": "a"}]}),
        ("cohere", {"texts": ["a"], "images": [PNG]}),
        ("cohere", {"texts": [1]}),
        ("cohere", {"inputs": [{"content": [{"type": "audio"}]}]}),
        ("ollama-embed", {"input": [1]}),
        ("ollama-embeddings", {"prompt": ["a"]}),
        ("titan", {"inputText": None}),
        ("nova", {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {"video": {}}}),
    ],
)
def test_a_request_of_another_shape_is_the_clients_fault(wire, body):
    """It is never sent on."""
    with pytest.raises(ClientError):
        WIRES[wire].decode_request(body)
