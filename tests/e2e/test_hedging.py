"""A slow provider raced against the next one, over real sockets."""

from fixtures.callers import await_requests
from fixtures.metrics import exposed, values
from fixtures.scripted import AGAIN, REQUEST
from fixtures.server import BOTH_SERVERS

pytestmark = BOTH_SERVERS

CHAT = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


def test_the_slow_provider_is_let_go_and_both_calls_are_in_the_ledger(serve, scripted):
    """The client waits for the faster one only; metrics count one request."""
    slow, fast = scripted([REQUEST]), scripted([REQUEST, ANSWER, AGAIN])
    server = serve()
    endpoint = server.publish("chat", slow.url, fallbacks=(fast.url,))
    server.manage("endpoints/set-tag", endpoint_id=endpoint, key="gatewright.hedge-ms", value="50")
    server.await_everywhere("chat")
    reply = server.post("/v1/chat/completions", CHAT)
    assert (reply.status, reply.headers["x-gatewright-attempts"]) == (200, "2")
    assert slow.wait(lambda provider: provider.connections == 1 and provider.open == 0), "the call is cancelled"
    won = reply.headers["x-gatewright-request-id"]
    found = await_requests(server, won, f"{won}-lost")
    assert [found[name]["error"] for name in (won, f"{won}-lost")] == ["", "HEDGE_LOST"]
    assert [found[name]["model"] for name in (won, f"{won}-lost")] == ["model-1", "model-0"]
    counted = values(exposed(server.get("/metrics").body), "gatewright_requests_total", "endpoint", "model", "error")
    assert counted == {("chat", "model-1", ""): 1}
