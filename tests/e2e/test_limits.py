"""Limits an operator sets hold in a running server."""

import concurrent.futures
import time

CHAT = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}


def test_more_requests_than_connections_wait_and_then_learn_why(serve, provider):
    """One connection, taken by a stream: the next request is told so; the stream runs to its end."""
    provider.pause = 0.5
    server = serve(GATEWRIGHT_UPSTREAM_CONNECTIONS="1", GATEWRIGHT_QUEUE_SECONDS="0.2")
    server.publish("chat", provider.url)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        stream = pool.submit(server.post, "/v1/chat/completions", CHAT | {"stream": True})
        while not provider.requests:
            time.sleep(0.005)
        refused = server.post("/v1/chat/completions", CHAT)
        assert stream.result().body.endswith(b"data: [DONE]\n\n")
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    told = f"All 1 connections to {provider.url.removesuffix('/v1')} are busy."
    assert told in refused.json["error"]["message"]
    assert server.post("/v1/chat/completions", CHAT).status == 200
