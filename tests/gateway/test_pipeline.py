"""Whole requests through the pipeline, with a provider that plays literal answers."""

import asyncio
import base64
import json

import pytest

from fixtures.exchange import KEY, FakeExchange, make_holder
from gatewright.errors import ClientError, UpstreamProtocolError, UpstreamRefusedError, UpstreamTimeoutError
from gatewright.gateway.operations import OPERATIONS, Table
from gatewright.gateway.pipeline import Pipeline
from gatewright.gateway.understand import raw
from gatewright.snapshot.holder import Holder
from gatewright.upstream.fake import Answer, FakeClient, in_turn

CHAT = {"model": "ep", "messages": [{"role": "user", "content": "hi"}]}
DONE = Answer(body=[b'{"id": "chatcmpl-1",  "odd":  [1.0]}'])
SSE = ((b"content-type", b"text/event-stream; charset=utf-8"),)
TABLE = Table()


async def ask(holder, upstream, body=CHAT, path="/v1/chat/completions", method="POST", **options):
    exchange = FakeExchange(method, path, body, **options)
    found = TABLE.find(method, path)
    assert found is not None
    await Pipeline(holder, upstream, draw=lambda: 0.0).serve(exchange, *found)
    assert exchange.ended
    return exchange


async def test_only_the_model_and_the_credential_change_on_the_way():
    """The provider gets the body as it came, but for `model`, and our credential instead of the client's."""
    upstream = FakeClient(in_turn(DONE))
    body = b'{"model":"ep","messages":[{"role":"user","content":"h\\u00e9"}],"temperature":1.0,"x_unknown":{"a" : 1}}'
    exchange = await ask(make_holder("one"), upstream, body)
    sent = upstream.requests[0]
    assert sent.body == body.replace(b'"ep"', b'"one"')
    assert sent.path == b"/v1/chat/completions"
    assert dict(sent.headers)[b"authorization"] == b"Bearer sk-one"
    assert (exchange.status, exchange.text) == (200, b'{"id": "chatcmpl-1",  "odd":  [1.0]}')


async def test_the_answer_says_who_served_it():
    """Endpoint, target, attempts and a request id, each its own header."""
    exchange = await ask(make_holder("one"), FakeClient(in_turn(DONE)))
    assert exchange.answered[b"x-gatewright-endpoint"] == b"ep"
    assert exchange.answered[b"x-gatewright-target"] == b"openai/one"
    assert exchange.answered[b"x-gatewright-attempts"] == b"1"
    assert exchange.answered[b"x-gatewright-request-id"].startswith(b"req_")


async def test_only_harmless_headers_of_the_provider_reach_the_client():
    """Limits and request ids do; cookies, server and hop-by-hop headers do not."""
    head = (
        (b"content-type", b"application/json"),
        (b"set-cookie", b"a=b"),
        (b"server", b"nginx"),
        (b"connection", b"keep-alive"),
        (b"transfer-encoding", b"chunked"),
        (b"x-request-id", b"r1"),
        (b"x-ratelimit-remaining-tokens", b"9"),
    )
    exchange = await ask(make_holder("one"), FakeClient(in_turn(Answer(headers=head, body=[b"{}"]))))
    kept = {name for name in exchange.answered if not name.startswith(b"x-gatewright-")}
    assert kept == {b"content-type", b"x-request-id", b"x-ratelimit-remaining-tokens"}


async def test_a_stream_goes_out_as_it_comes():
    """Event by event, byte for byte."""
    pieces = [b'data: {"a":1}\n\n', 0.01, b"data: [DO", 0.01, b"NE]\n\n"]
    exchange = await ask(
        make_holder("one"), FakeClient(in_turn(Answer(headers=SSE, body=pieces))), CHAT | {"stream": True}
    )
    assert list(filter(None, exchange.pieces)) == [b'data: {"a":1}\n\n', b"data: [DONE]\n\n"]
    assert exchange.answered[b"content-type"] == SSE[0][1]


async def test_a_stream_that_breaks_off_ends_with_an_error_event():
    """Half an answer never looks like a whole one: the event is in the caller's dialect, and half an event is left."""
    pieces = [b'data: {"a":1}\n\n', 0.01, b'data: {"a":']
    broken = Answer(headers=SSE, body=[*pieces, 0.01, UpstreamProtocolError("It broke off.")])
    upstream = FakeClient(in_turn(broken, DONE))
    exchange = await ask(make_holder("one", fallbacks=("two",)), upstream, CHAT | {"stream": True})
    first, event = filter(None, exchange.text.split(b"\n\n"))
    assert first == b'data: {"a":1}'
    said = json.loads(event.removeprefix(b"data: "))["error"]
    assert said["message"] == "openai/one: It broke off."
    assert len(upstream.requests) == 1, "nothing is tried again after the first byte"


@pytest.mark.parametrize(
    "first",
    [
        b'data: {"error": {"message": "Overloaded", "code": 529}}\n\n',
        b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "x"}}\n\n',
        b"data: {nothing}\n\n",
        b": ping\n\n",
        b'data: {"half',
    ],
)
async def test_a_stream_whose_first_event_is_no_answer_is_a_failed_attempt(first):
    """Nothing of it goes to the client, and a target is asked again."""
    upstream = FakeClient(in_turn(Answer(headers=SSE, body=[first]), DONE))
    exchange = await ask(make_holder("one", fallbacks=("two",)), upstream, CHAT | {"stream": True})
    assert (exchange.text, len(upstream.requests)) == (DONE.body[0], 2)


@pytest.mark.parametrize(
    "failure",
    [
        UpstreamRefusedError("x"),
        UpstreamTimeoutError("x"),
        UpstreamProtocolError("x"),
        Answer(status=302, headers=((b"location", b"https://evil.example"),)),
        Answer(body=[b'{"half', UpstreamProtocolError("x")]),
        *(Answer(status=status, body=[b"{}"]) for status in (401, 402, 403, 408, 409, 425, 429, 500, 503, 529)),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
async def test_such_a_failure_goes_on_to_the_next_target(failure, stream):
    """The client sees only the second target's answer."""
    upstream = FakeClient(in_turn(failure, DONE))
    exchange = await ask(make_holder("one", fallbacks=("two",)), upstream, CHAT | {"stream": stream})
    assert [sent.address.host for sent in upstream.requests] == ["one.example.com", "two.example.com"]
    assert (exchange.status, exchange.answered[b"x-gatewright-attempts"]) == (200, b"2")
    assert json.loads(upstream.requests[1].body)["model"] == "two"


async def test_a_stream_that_ends_before_it_began_goes_on_to_the_next_target():
    """An empty stream is a failure, not a success without words."""
    upstream = FakeClient(in_turn(Answer(headers=SSE), Answer(headers=SSE, body=[b"data: [DONE]\n\n"])))
    exchange = await ask(make_holder("one", fallbacks=("two",)), upstream, CHAT | {"stream": True})
    assert exchange.text == b"data: [DONE]\n\n"


@pytest.mark.parametrize("status", [400, 404, 405, 413, 415, 422, 451])
async def test_a_request_a_provider_finds_wrong_is_not_sent_to_another(status):
    """The provider's own words reach the client, once."""
    words = b'{"error": {"message": "bad tool", "param":"tools"}}'
    upstream = FakeClient(in_turn(Answer(status=status, body=[words]), DONE))
    exchange = await ask(make_holder("one", fallbacks=("two",)), upstream)
    assert (exchange.status, exchange.text, len(upstream.requests)) == (status, words, 1)


async def test_when_all_targets_fail_the_last_failure_is_told():
    """With how many were tried, and the limits the provider announced."""
    head = ((b"content-type", b"text/html"), (b"retry-after", b"7"))
    last = Answer(status=429, headers=head, body=[b"<html>slow down</html>"])
    exchange = await ask(make_holder("one", fallbacks=("two",)), FakeClient(in_turn(UpstreamRefusedError("x"), last)))
    assert (exchange.status, exchange.answered[b"retry-after"]) == (429, b"7")
    assert exchange.answered[b"content-type"] == b"application/json"
    assert exchange.json["error"]["message"] == "openai/two (the last of 2 attempts): it answered 429."


async def test_a_provider_that_repeats_our_credential_does_not_give_it_away():
    """Taken out of error bodies wherever it stands."""
    words = b'{"error":{"message":"Incorrect API key provided: sk-one. Header was Bearer sk-one"}}'
    for path in ("/v1/chat/completions", "/gateway/mlflow/v1/chat/completions"):
        upstream = FakeClient(in_turn(Answer(status=401, body=[words])))
        exchange = await ask(make_holder("one"), upstream, path=path)
        assert exchange.status == 401
        assert b"sk-one" not in exchange.text
        assert b"Incorrect API key provided: ***" in exchange.text


@pytest.mark.parametrize("body", [[b"x" * (2 << 20)], [b'{"error"', UpstreamProtocolError("It broke off.")]])
async def test_an_error_whose_body_cannot_be_read_keeps_its_status(body):
    """The status decides: a 400 is final, whatever follows it."""
    upstream = FakeClient(in_turn(Answer(status=400, body=body), DONE))
    exchange = await ask(make_holder("one", fallbacks=("two",)), upstream)
    assert (exchange.status, len(upstream.requests)) == (400, 1)
    assert exchange.json["error"]["message"] == "openai/one: it answered 400."


async def test_a_failure_is_logged_under_the_request_id_the_client_got(caplog):
    """On one line, whatever line breaks the provider's words hold."""
    words = b'{"error":{"message":"no\\n2026-01-01 CRITICAL forged"}}'
    exchange = await ask(make_holder("one"), FakeClient(in_turn(Answer(status=500, body=[words]))))
    (record,) = caplog.records
    assert exchange.answered[b"x-gatewright-request-id"].decode() in record.getMessage()
    assert "\n" not in record.getMessage()


@pytest.mark.parametrize(("headers", "status"), [([], 200), ([(b"origin", b"https://evil.example")], 403)])
async def test_basic_credentials_do_not_serve_a_page_of_another_site(headers, status):
    """A browser adds them to any page's request once it has them."""
    exchange = FakeExchange("POST", "/v1/chat/completions", CHAT, key="")
    token = base64.b64encode(f"x:{KEY}".encode())
    exchange.headers = [(b"host", b"gw.example"), (b"authorization", b"Basic " + token), *headers]
    await Pipeline(make_holder("one"), FakeClient(in_turn(DONE))).serve(exchange, *TABLE.find("POST", exchange.path))
    assert exchange.status == status


async def test_mlflows_routes_tell_a_providers_error_in_their_own_shape():
    """`detail` holds what the provider said."""
    upstream = FakeClient(in_turn(Answer(status=422, body=[b'{"error":{"message":"bad tool"}}'])))
    exchange = await ask(make_holder("one"), upstream, path="/gateway/mlflow/v1/chat/completions")
    assert (exchange.status, exchange.json) == (422, {"detail": "openai/one: it answered 422: bad tool"})


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
async def test_no_operation_serves_without_a_key(operation):
    """Not one of them, and nothing is sent anywhere."""
    upstream = FakeClient(in_turn(DONE))
    path = operation.path.replace("{endpoint}", "ep").replace("{model}", "ep")
    exchange = await ask(make_holder("one"), upstream, path=path, method=operation.method, key="")
    assert (exchange.status, len(upstream.requests)) == (401, 0)
    assert b"www-authenticate" in exchange.answered


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"x":NaN}', b'{"x":"\xff"}', b"\xff"])
@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.parse and one.parse is not raw], ids=lambda one: one.path
)
async def test_a_body_that_cannot_be_understood_is_a_400(operation, body):
    """In every operation that takes one; never sent on."""
    upstream = FakeClient(in_turn(DONE))
    path = operation.path.replace("{endpoint}", "ep")
    exchange = await ask(make_holder("one"), upstream, body, path)
    assert (exchange.status, len(upstream.requests)) == (400, 0)
    assert exchange.text == operation.dialect.body(ClientError(words_of(exchange.json)))


def words_of(shown):
    """The message of an error, in whichever dialect."""
    found = next(shown[key] for key in ("detail", "error", "message") if key in shown)
    return found if isinstance(found, str) else found["message"]


@pytest.mark.parametrize(
    "body", [b"{}", b'{"model":7}', b'{"model":""}', b'{"model":"ep","stream":1}', b'{"messages":[]}']
)
@pytest.mark.parametrize("path", sorted({one.path for one in OPERATIONS if one.parse and "{" not in one.path}))
async def test_a_model_or_a_stream_of_the_wrong_kind_is_a_400(path, body):
    """Where the body names the endpoint."""
    upstream = FakeClient(in_turn(DONE))
    exchange = await ask(make_holder("one"), upstream, body, path)
    assert (exchange.status, len(upstream.requests)) == (400, 0)


async def test_an_unknown_endpoint_is_named():
    """404 with the name that was asked for."""
    exchange = await ask(make_holder("one"), FakeClient(in_turn()), CHAT | {"model": "ghost"})
    assert exchange.status == 404
    assert exchange.json["error"]["code"] == "model_not_found"
    assert "ghost" in exchange.json["error"]["message"]


async def test_an_endpoint_that_lost_its_secrets_is_503_with_the_reason():
    """Not the provider's fault, and not the caller's."""
    holder = make_holder(problem="model definition 'm': its secret was deleted; give it another one")
    exchange = await ask(holder, FakeClient(in_turn()))
    assert exchange.status == 503
    assert "its secret was deleted" in exchange.json["error"]["message"]


async def test_before_the_first_snapshot_the_answer_is_503():
    """Also for the list of models."""
    exchange = await ask(Holder(), FakeClient(in_turn()), path="/v1/models", method="GET")
    assert exchange.status == 503


async def test_the_endpoints_are_listed_as_models():
    """For OpenAI's clients and for MLflow's; one can be asked for by name."""
    holder, upstream = make_holder("one"), FakeClient(in_turn())
    listed = await ask(holder, upstream, path="/v1/models", method="GET")
    model = {"id": "ep", "object": "model", "created": 1_700_000_000, "owned_by": "gatewright"}
    assert listed.json == {"object": "list", "data": [model]}
    assert (await ask(holder, upstream, path="/v1/models/ep", method="GET")).json == model
    assert (await ask(holder, upstream, path="/v1/models/ghost", method="GET")).status == 404
    mlflow = await ask(holder, upstream, path="/gateway/mlflow/v1/models", method="GET")
    assert mlflow.json["data"] == [model | {"owned_by": "mlflow"}]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"messages": [{"role": "user", "content": "x"}]}, b"/v1/chat/completions"),
        ({"input": "x"}, b"/v1/embeddings"),
    ],
)
async def test_an_invocation_is_told_by_the_shape_of_its_body(body, path):
    """The endpoint is in the path, so the body needs no model."""
    upstream = FakeClient(in_turn(DONE))
    exchange = await ask(make_holder("one"), upstream, body, "/gateway/ep/mlflow/invocations")
    assert exchange.status == 200
    assert upstream.requests[0].path == path
    assert json.loads(upstream.requests[0].body) == {**body, "model": "one"}


async def test_when_the_client_leaves_the_provider_is_let_go():
    """Cancelling the request drops the answer that is still on its way."""
    upstream = FakeClient(in_turn(Answer(headers=SSE, body=[b"data: 1\n\n", 60.0])))
    waiting = asyncio.create_task(ask(make_holder("one"), upstream, CHAT | {"stream": True}))
    await asyncio.sleep(0.05)
    assert len(upstream.requests) == 1
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert upstream.aborted == 1


async def test_a_fault_of_ours_is_a_500_that_tells_nothing(caplog):
    """The log has the traceback; the client gets a sentence."""

    def fault(_request):
        raise RuntimeError("canary-internal")

    exchange = await ask(make_holder("one"), FakeClient(fault))
    assert exchange.status == 500
    assert b"canary" not in exchange.text
    assert "canary-internal" in caplog.text
