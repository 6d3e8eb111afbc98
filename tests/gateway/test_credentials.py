"""What proves to a provider who asks is never given away, wherever it came from."""

from types import MappingProxyType

from fixtures.exchange import KEY, FakeExchange, make_target
from gatewright.gateway.operations import Table
from gatewright.gateway.pipeline import Pipeline
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.identity import GoogleIdentity
from gatewright.snapshot.model import Endpoint, Principal, Snapshot, key_digest
from gatewright.upstream.fake import Answer, FakeClient, in_turn


async def test_a_token_that_was_fetched_is_taken_out_of_error_bodies():
    """As a stored key is, though the snapshot does not know it."""
    target = make_target("one", identity=GoogleIdentity(), headers=())
    endpoint = Endpoint(endpoint_id="e-1", name="ep", created_at=1, primaries=((target, 1.0),))
    snapshot = Snapshot(
        revision=1,
        endpoints=MappingProxyType({"ep": endpoint}),
        principals=MappingProxyType({key_digest(KEY): Principal(key_id="k-1", name="tests")}),
    )
    words = b'{"error":{"message":"Bad token: minted-token. Header was Bearer minted-token"}}'
    upstream = FakeClient(in_turn(Answer(status=401, body=[words])))
    exchange = FakeExchange(body={"model": "ep", "messages": []})
    found = Table().find("POST", "/v1/chat/completions")
    assert found is not None
    await Pipeline(Holder(snapshot), upstream).serve(exchange, *found)
    assert dict(upstream.requests[0].headers)[b"authorization"] == b"Bearer minted-token"
    assert exchange.status == 401
    assert b"minted-token" not in exchange.text
    assert b"Bad token: ***" in exchange.text
