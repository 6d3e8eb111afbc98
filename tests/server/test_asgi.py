"""The ASGI app: health, limits, who may manage, and a client that leaves."""

import asyncio
import json

import pytest

from fixtures.exchange import KEY, make_holder
from gatewright.errors import ConfigError
from gatewright.gateway.pipeline import Pipeline
from gatewright.server.asgi import Server
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import ANONYMOUS, Principal, Snapshot, key_digest
from gatewright.upstream.fake import Answer, FakeClient, in_turn

CHAT = b'{"model":"ep","messages":[]}'
ADMIN = "gw-admin-of-the-tests"


async def nothing():
    """Start and stop of a server without parts."""


async def control(scope, _receive, send):
    """A control plane that says who called it."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["state"]["principal"].name.encode()})


def make_server(holder, upstream=None, start=nothing, stop=nothing, max_body=1000, **options):
    pipeline = Pipeline(holder, upstream or FakeClient(in_turn()))
    return Server(pipeline=pipeline, control=control, max_body=max_body, start=start, stop=stop, **options)


def admin_holder(**options):
    principal = Principal(key_id="k-1", name="root", admin=True)
    caller = Principal(key_id="k-2", name="tests")
    keys = {key_digest(ADMIN): principal, key_digest(KEY): caller}
    return Holder(Snapshot(revision=1, principals=keys, **options))


async def call(server, method, path, body=b"", key=KEY, headers=(), leave=False, pieces=1):
    """One request the way an ASGI server makes it; status and body of the answer."""
    fields = [(b"host", b"localhost:4040"), *headers]
    fields += [(b"authorization", f"Bearer {key}".encode())] if key else []
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": fields}
    size = -(-len(body) // pieces)
    messages = [
        {"type": "http.request", "body": body[at * size : (at + 1) * size], "more_body": at + 1 < pieces}
        for at in range(pieces)
    ]
    sent = []

    async def receive():
        if messages:
            return messages.pop(0)
        if not leave:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await server(scope, receive, send)
    return (sent[0]["status"] if sent else 0), b"".join(message.get("body", b"") for message in sent)


async def test_health_needs_no_key_and_tells_whether_there_is_something_to_serve():
    """Live as soon as the process answers; ready with the first snapshot."""
    assert await call(make_server(Holder()), "GET", "/health/live", key="") == (200, b"OK")
    assert (await call(make_server(Holder()), "GET", "/health", key=""))[0] == 503
    assert await call(make_server(make_holder("one")), "GET", "/health", key="") == (200, b"OK")


async def test_a_server_in_trouble_is_ready_and_says_what_is_wrong():
    """A load balancer must not take away what serves on; a person sees since when, and why."""
    troubles = ["", "since 2026-08-01T12:00:00Z: The database is away."]
    server = make_server(make_holder("one"), degraded=lambda: troubles[0])
    assert await call(server, "GET", "/health", key="") == (200, b"OK")
    del troubles[0]
    answer = (200, b"degraded since 2026-08-01T12:00:00Z: The database is away.")
    assert await call(server, "GET", "/health", key="") == answer
    assert await call(server, "GET", "/health/live", key="") == (200, b"OK")


async def test_a_server_that_stops_is_ready_no_more():
    """So that a load balancer sends its next requests elsewhere; it lives until it has ended."""
    server = make_server(make_holder("one"), degraded=lambda: "since long ago")
    server.stopping = True
    status, body = await call(server, "GET", "/health", key="")
    assert (status, body.partition(b":")[0]) == (503, b"stopping")
    assert await call(server, "GET", "/health/live", key="") == (200, b"OK")


async def test_an_operation_is_served():
    """A body that comes in pieces is put together."""
    upstream = FakeClient(in_turn(Answer(body=[b"{}"])))
    answer = await call(make_server(make_holder("one"), upstream), "POST", "/v1/chat/completions", CHAT, pieces=3)
    assert answer == (200, b"{}")
    assert upstream.requests[0].body == CHAT.replace(b"ep", b"one")


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_over_the_limit_is_refused_with_the_limit(announced):
    """By its announced length before it is read, else as soon as it is too long."""
    server = make_server(make_holder("one"), max_body=20)
    headers = [(b"content-length", b"28")] if announced else []
    status, body = await call(server, "POST", "/v1/chat/completions", CHAT, headers=headers, pieces=4)
    assert status == 413
    assert "over the limit of 20 bytes (GATEWRIGHT_MAX_BODY)" in json.loads(body)["error"]["message"]


async def test_a_client_that_leaves_stops_the_request():
    """The provider's answer is dropped at once."""
    upstream = FakeClient(in_turn(Answer(body=[60.0])))
    server = make_server(make_holder("one"), upstream)
    await asyncio.wait_for(call(server, "POST", "/v1/chat/completions", CHAT, leave=True), 5)
    assert upstream.aborted == 1


async def test_a_request_that_the_server_can_wait_for_no_longer_is_told_to_come_again():
    """The end of the grace period is a 503, not a fault."""
    upstream = FakeClient(in_turn(Answer(body=[60.0])))
    request = asyncio.create_task(call(make_server(make_holder("one"), upstream), "POST", "/v1/chat/completions", CHAT))
    for _ in range(5):  # it waits for the provider
        await asyncio.sleep(0)
    request.cancel()
    status, body = await request
    assert status == 503
    assert "shutting down" in json.loads(body)["error"]["message"]
    assert upstream.aborted == 1


async def test_everything_else_is_the_control_planes_for_an_admin_key():
    """The control plane learns who calls; no key and a key that may not manage are refused before it."""
    server = make_server(admin_holder())
    assert await call(server, "GET", "/anything", key=ADMIN) == (200, b"root")
    status, body = await call(server, "GET", "/api/3.0/mlflow/gateway/secrets/list", key="")
    assert (status, json.loads(body)["error_code"]) == (401, "UNAUTHENTICATED")
    status, body = await call(server, "GET", "/api/3.0/mlflow/gateway/secrets/list")
    assert (status, json.loads(body)["error_code"]) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    ("method", "path", "status", "key"),
    [
        ("GET", "/v1/nothing", 404, "error"),
        ("GET", "/v1/chat/completions", 405, "error"),
        ("DELETE", "/v1/messages", 405, "type"),
        ("POST", "/gateway/nothing", 404, "detail"),
        ("GET", "/gateway/ep/mlflow/invocations", 405, "detail"),
        ("POST", "/v1beta/models/ep:nothing", 404, "error"),
    ],
)
async def test_a_path_of_a_providers_api_that_is_not_served_says_so_in_its_dialect(method, path, status, key):
    """404, or 405 with the methods there are; and nothing of it without a key."""
    server = make_server(make_holder("one"))
    answered, body = await call(server, method, path)
    assert answered == status
    assert key in json.loads(body)
    assert (await call(server, method, path, key=""))[0] == 401


async def test_an_open_server_is_guarded_against_pages_of_other_sites():
    """--no-auth: anonymous manages, but not by a foreign origin or host name."""
    server = make_server(admin_holder(anonymous=ANONYMOUS))
    assert await call(server, "POST", "/anything", key="") == (200, b"anonymous")
    foreign = [(b"origin", b"https://evil.example")]
    assert (await call(server, "POST", "/anything", key="", headers=foreign))[0] == 403


async def test_the_lifespan_starts_and_stops_the_parts_and_reports_a_failed_start():
    """A failed start gives the reason to the server that runs the app."""
    done = []

    async def start():
        done.append("start")

    async def stop():
        done.append("stop")

    async def fail():
        raise ConfigError("no database")

    async def live(server):
        sent = []
        messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

        async def receive():
            return next(messages)

        async def send(message):
            sent.append(message)

        await server({"type": "lifespan"}, receive, send)
        return sent

    sent = await live(make_server(Holder(), start=start, stop=stop))
    assert done == ["start", "stop"]
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    sent = await live(make_server(Holder(), start=fail))
    assert sent == [{"type": "lifespan.startup.failed", "message": "no database"}]
