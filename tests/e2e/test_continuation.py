"""A stream that breaks off and is gone on with by another provider, over real sockets, read by the vendors' SDKs."""

from contextlib import closing

import anthropic
import openai
import pytest

from faults.wires import CHAT, MESSAGES, WORDS, text
from fixtures.callers import await_requests, keep
from fixtures.metrics import exposed, values
from fixtures.scripted import AGAIN, CLOSE, REQUEST
from fixtures.server import BOTH_SERVERS

pytestmark = BOTH_SERVERS

SPEAKER = "word"
ALL = text(SPEAKER)
SAID = 20
"""Words after which the first provider is gone."""

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
PROVIDERS = {CHAT: "openai-compatible", MESSAGES: "anthropic"}
HELLO = [{"role": "user", "content": "hi"}]


def chunked(events):
    """Events as a body on its way, each a chunk."""
    return b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in events)


def breaking(wire):
    """A provider that is gone in the middle of its answer."""
    return [REQUEST, HEAD + chunked(wire.events(SPEAKER)[: wire.opens + SAID]), CLOSE]


def going_on(wire):
    """One that goes on where that one has stopped."""
    events = wire.events(SPEAKER)
    events[wire.opens : wire.opens + SAID] = []
    return [REQUEST, HEAD + chunked(events) + b"0\r\n\r\n", AGAIN]


def publish(server, name, *targets):
    """An endpoint over these dialects and addresses: the first, and its fallbacks."""
    configs = []
    for number, (wire, url) in enumerate(targets):
        provider, shown = PROVIDERS[wire], f"{name}-{number}"
        secret = server.manage(
            "secrets/create",
            secret_name=shown,
            secret_value={"api_key": "sk-1"},
            provider=provider,
            auth_config={"api_base": f"{url}/v1"},
        )["secret"]
        model = server.manage(
            "model-definitions/create",
            name=shown,
            secret_id=secret["secret_id"],
            provider=provider,
            model_name=f"model-{number}",
        )["model_definition"]
        linked = {"linkage_type": "FALLBACK", "fallback_order": number} if number else {"linkage_type": "PRIMARY"}
        configs.append({"model_definition_id": model["model_definition_id"], **linked})
    endpoint = server.manage("endpoints/create", name=name, model_configs=configs)["endpoint"]["endpoint_id"]
    for key, value in (("continuation", "true"), ("cooldown-seconds", "0")):
        server.manage("endpoints/set-tag", endpoint_id=endpoint, key=f"gatewright.{key}", value=value)
    server.await_everywhere(name)


def by_chat_completions(server, model):
    """What OpenAI's SDK makes of a stream of chat completions: text, why it ended, tokens in and out, request."""
    with (
        openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.admin_key, max_retries=0) as client,
        client.chat.completions.stream(model=model, messages=HELLO, stream_options={"include_usage": True}) as stream,
    ):
        found = stream.get_final_completion()
        headers = stream._response.headers
    [choice] = found.choices
    used = found.usage.prompt_tokens, found.usage.completion_tokens
    return choice.message.content, choice.finish_reason, used, headers


def by_responses(server, model):
    """What it makes of a stream of Responses."""
    with (
        openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.admin_key, max_retries=0) as client,
        client.responses.stream(model=model, input="hi") as stream,
    ):
        found = stream.get_final_response()
        headers = stream._response.headers
    return found.output_text, found.status, (found.usage.input_tokens, found.usage.output_tokens), headers


def by_messages(server, model):
    """What Anthropic's SDK makes of a stream of messages."""
    with (
        anthropic.Anthropic(base_url=f"{server.url}/anthropic", api_key=server.admin_key, max_retries=0) as client,
        client.messages.stream(model=model, messages=HELLO, max_tokens=100) as stream,
    ):
        found = stream.get_final_message()
        headers = stream.response.headers
    [block] = found.content
    return block.text, found.stop_reason, (found.usage.input_tokens, found.usage.output_tokens), headers


CLIENTS = {by_chat_completions: "stop", by_responses: "completed", by_messages: "end_turn"}
"""How each reads a stream, and its word for one that is complete."""


def test_a_client_that_leaves_takes_the_next_call_along(serve, scripted):
    """The provider that is to go on is let go of before it has answered, and the ledger has who was asked how often."""
    gone, other = scripted(breaking(CHAT)), scripted([REQUEST])
    server = serve()
    publish(server, "chat", (CHAT, gone.url), (CHAT, other.url))
    with closing(keep(server)) as connection:
        fields = {"authorization": f"Bearer {server.admin_key}", "content-type": "application/json"}
        connection.request("POST", *CHAT.request("chat", stream=True), fields)
        request = connection.getresponse().getheader("x-gatewright-request-id")
        assert other.wait(lambda provider: len(provider.requests) == 1)
    assert other.wait(lambda provider: provider.open == 0), "the call is cancelled"
    record = await_requests(server, request)[request]
    assert (record["error"], record["model"], record["attempts"]) == ("CLIENT_LEFT", "model-0", 2)


@pytest.mark.parametrize(
    ("first", "second", "used"),
    [
        (MESSAGES, CHAT, (3, 1)),  # what Anthropic tells at the beginning; this chat tells nothing
        (CHAT, MESSAGES, (3, WORDS)),
        (MESSAGES, MESSAGES, (6, 1 + WORDS)),
    ],
    ids=["messages then chat", "chat then messages", "messages twice"],
)
def test_every_sdk_reads_one_whole_stream_and_both_calls_are_in_the_ledger(serve, scripted, first, second, used):
    """Text once, usage added up, one request for the metrics."""
    gone, other = scripted(breaking(first)), scripted(going_on(second))
    server = serve()
    publish(server, "chat", (first, gone.url), (second, other.url))
    for read, complete in CLIENTS.items():
        found, ended, tokens, headers = read(server, "chat")
        assert (found, ended, tokens) == (ALL, complete, used)
        assert headers["x-gatewright-target"].endswith("/model-0")
        request = headers["x-gatewright-request-id"]
        records = await_requests(server, request, f"{request}-broken")
        whole, cut = records[request], records[f"{request}-broken"]
        assert (whole["model"], whole["error"], whole["attempts"]) == ("model-1", "", 2)
        assert (cut["model"], cut["error"], cut["status"]) == ("model-0", "UPSTREAM_PROTOCOL_ERROR", 200)
    counted = values(exposed(server.get("/metrics").body), "gatewright_requests_total", "endpoint", "model", "error")
    assert counted == {("chat", "model-1", ""): len(CLIENTS)}
    assert ALL.partition(f" {SPEAKER}{SAID} ")[0].encode() in other.requests[0].body
