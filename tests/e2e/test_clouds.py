"""Bedrock and Vertex AI through a whole server: signed, or with a token that is traded for, in whichever dialect."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import anthropic
import openai
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from google import genai
from google.genai import types

from fixtures.provider import Provider
from gatewright.dialects import eventstream

KEY_ID, SECRET_KEY, REGION = "AKIACANARY", "secret/canary+key", "eu-west-1"
TOKEN = "ya29.canary"
MESSAGES = [{"role": "user", "content": "Who are you?"}]
CLAUDE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "amazon.nova-lite-v1:0"
SAID = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "I am Claude."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


def anthropic_events():
    """The events of the same answer."""
    yield {"type": "message_start", "message": {**SAID, "content": [], "stop_reason": None}}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    for text in ("I am ", "Claude."):
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": SAID["usage"]}
    yield {"type": "message_stop"}


def converse_events():
    """A tool call, as Nova streams it."""
    yield "messageStart", {"role": "assistant"}
    yield "contentBlockStart", {"start": {"toolUse": {"name": "look", "toolUseId": "t1"}}, "contentBlockIndex": 0}
    for piece in ('{"city":', '"Rome"}'):
        yield "contentBlockDelta", {"delta": {"toolUse": {"input": piece}}, "contentBlockIndex": 0}
    yield "contentBlockStop", {"contentBlockIndex": 0}
    yield "messageStop", {"stopReason": "tool_use"}
    yield "metadata", {"usage": {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}, "metrics": {"latencyMs": 1}}


class Cloud(Provider):
    """Bedrock, Vertex AI and a token server on one address."""

    def answer(self, path, body):  # noqa: ARG002 - as of every provider
        if path == "/token":
            return 200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
        if path.endswith("/converse"):
            content = [{"text": "I am Nova."}]
            usage = {"inputTokens": 5, "outputTokens": 4, "totalTokens": 9}
            message = {"message": {"role": "assistant", "content": content}}
            return 200, {"output": message, "stopReason": "end_turn", "usage": usage, "metrics": {"latencyMs": 1}}
        if path.endswith("/converse-stream"):
            return 200, (eventstream.event(kind, json.dumps(one).encode()) for kind, one in converse_events())
        if path.endswith("/invoke-with-response-stream"):
            chunks = (base64.b64encode(json.dumps(one).encode()).decode() for one in anthropic_events())
            return 200, (eventstream.event("chunk", json.dumps({"bytes": one}).encode()) for one in chunks)
        if ":streamRawPredict" in path:
            return 200, (
                b"event: %s\ndata: %s\n\n" % (one["type"].encode(), json.dumps(one).encode())
                for one in anthropic_events()
            )
        if ":streamGenerateContent" in path:
            return 200, (
                b"data: " + json.dumps(gemini(word, last=word == "ni.")).encode() + b"\r\n\r\n"
                for word in ("Gemi", "ni.")
            )
        if ":generateContent" in path:
            return 200, gemini("Gemini.", last=True)
        return 200, SAID

    def media(self, path):
        framed = path.endswith(("/converse-stream", "/invoke-with-response-stream"))
        return "application/vnd.amazon.eventstream" if framed else super().media(path)


def gemini(text, *, last):
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    counts = {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8}
    return {"candidates": [candidate | ({"finishReason": "STOP"} if last else {})], "usageMetadata": counts}


@pytest.fixture(scope="module")
def cloud():
    one = Cloud()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def account(cloud):
    """A service account: its private key as Google hands it out, and the public one to check with."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    address = cloud.url.removesuffix("/v1")
    key = {
        "type": "service_account",
        "project_id": "my-project",
        "private_key_id": "k1",
        "private_key": pem,
        "client_email": "gate@my-project.iam.gserviceaccount.com",
        "token_uri": f"{address}/token",
    }
    return json.dumps(key), private.public_key()


@pytest.fixture(scope="module")
def served(server_of_module, cloud, account):
    """A server with the endpoints `claude`, `nova` (Bedrock), `gemini` and `vertex-claude` (Vertex AI)."""
    server = server_of_module
    base = cloud.url.removesuffix("/v1")
    aws = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET_KEY}
    in_aws = {"auth_mode": "access_keys", "aws_region_name": REGION, "api_base": base}
    in_google = {"auth_mode": "service_account_json", "vertex_location": "europe-west4", "api_base": base}
    for provider, values, config, models in (
        ("bedrock", aws, in_aws, {"claude": CLAUDE, "nova": NOVA}),
        (
            "vertex_ai",
            {"vertex_credentials": account[0]},
            in_google,
            {"gemini": "gemini-2.5-flash", "vertex-claude": "claude-sonnet-4-5@20250929"},
        ),
    ):
        secret = server.manage(
            "secrets/create", secret_name=provider, secret_value=values, provider=provider, auth_config=config
        )["secret"]
        for name, model in models.items():
            definition = server.manage(
                "model-definitions/create",
                name=name,
                secret_id=secret["secret_id"],
                provider=provider,
                model_name=model,
            )["model_definition"]
            config_of = {"model_definition_id": definition["model_definition_id"], "linkage_type": "PRIMARY"}
            server.manage("endpoints/create", name=name, model_configs=[config_of])
    return server


@pytest.fixture
def chat(served):
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key=served.admin_key, max_retries=0) as client:
        yield client


@pytest.fixture
def messages(served):
    with anthropic.Anthropic(base_url=f"{served.url}/anthropic", api_key=served.admin_key, max_retries=0) as client:
        yield client


def assert_signed(cloud):
    """The last request bears the signature that Amazon's own signer makes of it."""
    path, headers, body = cloud.requests[-1]
    given = headers["authorization"]
    names = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    request = AWSRequest("POST", cloud.url.removesuffix("/v1") + path, {one: headers[one] for one in names}, body)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials(KEY_ID, SECRET_KEY), "bedrock", REGION)
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    assert f"Credential={KEY_ID}/" in given
    assert given.endswith(f"Signature={signature}")


def test_claude_on_bedrock_is_asked_by_anthropics_sdk(messages, cloud):
    """As Anthropic itself would be, whole and streamed, and signed."""
    asked = {"model": "claude", "max_tokens": 9, "messages": MESSAGES}
    assert messages.messages.create(**asked).content[0].text == "I am Claude."
    path, _, body = cloud.requests[-1]
    assert path == f"/model/{CLAUDE.replace(':', '%3A')}/invoke"
    assert json.loads(body)["anthropic_version"] == "bedrock-2023-05-31"
    assert_signed(cloud)
    with messages.messages.stream(**asked) as stream:
        assert list(stream.text_stream) == ["I am ", "Claude."]
    assert cloud.requests[-1][0].endswith("/invoke-with-response-stream")
    assert_signed(cloud)


def test_claude_on_bedrock_is_asked_by_openais_sdk(chat):
    """Translated, whole and streamed."""
    found = chat.chat.completions.create(model="claude", messages=MESSAGES)
    assert (found.choices[0].message.content, found.usage.total_tokens) == ("I am Claude.", 5)
    pieces = list(chat.chat.completions.create(model="claude", messages=MESSAGES, stream=True))
    assert "".join(one.choices[0].delta.content or "" for one in pieces if one.choices) == "I am Claude."


def test_another_model_on_bedrock_converses(chat, messages, cloud):
    """With whichever client; an answer that has no id or name of its own gets both."""
    found = chat.chat.completions.create(model="nova", messages=MESSAGES)
    assert (found.choices[0].message.content, found.model) == ("I am Nova.", NOVA)
    assert found.id.startswith("req_")
    assert cloud.requests[-1][0].endswith("/converse")
    assert_signed(cloud)
    assert messages.messages.create(model="nova", max_tokens=9, messages=MESSAGES).content[0].text == "I am Nova."


def test_a_tool_call_streams_out_of_bedrocks_frames(chat, messages, cloud):
    """Its arguments in pieces."""
    tool = {"name": "look", "description": "x", "parameters": {"type": "object", "properties": {}}}
    asked = {"model": "nova", "messages": MESSAGES, "tools": [{"type": "function", "function": tool}]}
    with chat.chat.completions.stream(**asked) as stream:
        for _ in stream:
            pass
        [choice] = stream.get_final_completion().choices
    [call] = choice.message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("look", {"city": "Rome"})
    assert_signed(cloud)
    tools = [{"name": "look", "input_schema": tool["parameters"]}]
    with messages.messages.stream(model="nova", max_tokens=9, messages=MESSAGES, tools=tools) as stream:
        [block] = stream.get_final_message().content
    assert block.input == {"city": "Rome"}


def test_gemini_on_vertex_is_asked_by_googles_sdk_with_a_token(served, cloud, account):
    """The token is traded for once, with an assertion that the account's key signs."""
    options = types.HttpOptions(base_url=f"{served.url}/gemini")
    with genai.Client(api_key=served.admin_key, http_options=options) as client:
        assert client.models.generate_content(model="gemini", contents="Hi").text == "Gemini."
        pieces = [one.text for one in client.models.generate_content_stream(model="gemini", contents="Hi")]
    assert pieces == ["Gemi", "ni."]
    at = "/v1/projects/my-project/locations/europe-west4/publishers/google/models/gemini-2.5-flash"
    calls = [(path, headers) for path, headers, _ in cloud.requests if at in path]
    assert [urlsplit(path).path for path, _ in calls] == [f"{at}:generateContent", f"{at}:streamGenerateContent"]
    assert {headers["authorization"] for _, headers in calls} == {f"Bearer {TOKEN}"}
    [trade] = [body for path, _, body in cloud.requests if path == "/token"]
    signed, _, signature = parse_qs(trade.decode())["assertion"][0].rpartition(".")
    padded = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    account[1].verify(padded, signed.encode(), padding.PKCS1v15(), SHA256())


def test_claude_on_vertex_is_asked_by_every_sdk(messages, chat, cloud):
    """By Anthropic's as it is, by OpenAI's translated."""
    asked = {"model": "vertex-claude", "max_tokens": 9, "messages": MESSAGES}
    assert messages.messages.create(**asked).content[0].text == "I am Claude."
    path, _, body = cloud.requests[-1]
    assert path.endswith("/publishers/anthropic/models/claude-sonnet-4-5%4020250929:rawPredict")
    assert json.loads(body)["anthropic_version"] == "vertex-2023-10-16"
    assert "model" not in json.loads(body)
    with messages.messages.stream(**asked) as stream:
        assert list(stream.text_stream) == ["I am ", "Claude."]
    pieces = list(chat.chat.completions.create(model="vertex-claude", messages=MESSAGES, stream=True))
    assert "".join(one.choices[0].delta.content or "" for one in pieces if one.choices) == "I am Claude."


def test_no_credential_of_a_cloud_is_shown(served, cloud, account):
    """Not in the log, and not in an error that repeats what was sent."""
    cloud.fail = (403, b'{"message":"not allowed with {authorization}"}')
    try:
        for name in ("claude", "gemini"):
            reply = served.post("/v1/chat/completions", {"model": name, "messages": MESSAGES})
            assert reply.status == 403
            assert TOKEN.encode() not in reply.body
            assert b"Signature=" not in reply.body
    finally:
        cloud.fail = None
    private = json.loads(account[0])["private_key"].splitlines()[3]
    assert not any(one in served.output for one in (SECRET_KEY, TOKEN, private, "Signature="))
