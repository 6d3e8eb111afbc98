"""A change is served everywhere within a second, and no request in flight notices."""

import concurrent.futures
import threading
import time

import pytest

from fixtures.server import BOTH_DATABASES

LIMIT = 1.0
CHAT = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def server(shared_server):
    """One server for all but those that say how it runs."""
    return shared_server


def ask(server, name, **options):
    return server.post("/v1/chat/completions", {"model": name, **CHAT}, **options)


def lag(server, expected):
    """How long after now, just after a write was answered, some worker did not serve it yet, in seconds.

    Four clients ask for longer than a second, on a new connection each time: any worker may answer.

    Args:
        server: which one.
        expected: the status of each endpoint from the write on, by name.
    """
    acknowledged = time.monotonic()

    def ask_on():
        answers = []
        while (sent := time.monotonic() - acknowledged) < LIMIT + 0.3:
            right = all(ask(server, name).status == status for name, status in expected.items())
            answers.append((sent, right))
        return answers

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = [answer for client in [pool.submit(ask_on) for _ in range(4)] for answer in client.result()]
    assert sum(sent > LIMIT for sent, _ in answers) >= 20, "too few to have met every worker"
    return max((sent for sent, right in answers if not right), default=0.0)


@BOTH_DATABASES
def test_every_worker_serves_a_change_within_a_second(serve, provider):
    """With three workers, created, renamed and deleted endpoints are right everywhere a second after the answer."""
    server = serve("--workers", "3")
    endpoint = server.publish("before", provider.url)
    lags = [lag(server, {"before": 200})]
    server.manage("endpoints/update", endpoint_id=endpoint, name="after")
    lags.append(lag(server, {"after": 200, "before": 404}))
    reply = server.request("DELETE", "/api/3.0/mlflow/gateway/endpoints/delete", {"endpoint_id": endpoint})
    assert reply.status == 200
    lags.append(lag(server, {"after": 404}))
    assert max(lags) <= LIMIT, lags


def test_a_change_is_served_by_the_process_that_made_it_when_it_answers(server, provider):
    """Read your writes: no pause between creating an endpoint and calling it."""
    for number in range(5):
        server.publish(f"ep-{number}", provider.url)
        assert ask(server, f"ep-{number}").status == 200


def test_no_request_in_flight_fails_while_everything_changes(server, provider):
    """Streams that began before their endpoint was deleted run to their end; other requests never fail."""
    provider.pause = 0.15
    endpoint = server.publish("doomed", provider.url)
    server.publish("steady", provider.url)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        streams = [
            pool.submit(server.post, "/v1/chat/completions", {"model": "doomed", "stream": True, **CHAT})
            for _ in range(4)
        ]
        while len(provider.requests) < 4:
            time.sleep(0.005)
        stop = threading.Event()

        def steady():
            statuses = []
            while not stop.is_set():
                statuses.append(ask(server, "steady").status)
            return statuses

        calls = [pool.submit(steady) for _ in range(2)]
        server.request("DELETE", "/api/3.0/mlflow/gateway/endpoints/delete", {"endpoint_id": endpoint})
        for number in range(10):
            server.manage(
                "secrets/create", secret_name=f"s-{number}", secret_value={"api_key": "k-12345678"}, provider="openai"
            )
        assert ask(server, "doomed").status == 404
        for stream in streams:
            assert stream.result().body.endswith(b"data: [DONE]\n\n")
        stop.set()
        statuses = [status for call in calls for status in call.result()]
    assert len(statuses) > 5
    assert set(statuses) == {200}


def test_an_endpoint_whose_secret_is_deleted_answers_503_and_serves_again_with_another(server, provider):
    """The definition stays; the error says what to do."""
    server.publish("chat", provider.url)
    secret = server.get("/api/3.0/mlflow/gateway/secrets/list").json["secrets"][0]
    server.request("DELETE", "/api/3.0/mlflow/gateway/secrets/delete", {"secret_id": secret["secret_id"]})
    reply = ask(server, "chat")
    assert reply.status == 503
    assert "its secret was deleted; give it another one" in reply.json["error"]["message"]
    definition = server.get("/api/3.0/mlflow/gateway/model-definitions/list").json["model_definitions"][0]
    assert "secret_id" not in definition
    another = server.manage(
        "secrets/create",
        secret_name="another",
        secret_value={"api_key": "sk-another"},
        provider="openai-compatible",
        auth_config={"api_base": provider.url},
    )
    server.manage(
        "model-definitions/update",
        model_definition_id=definition["model_definition_id"],
        secret_id=another["secret"]["secret_id"],
    )
    assert ask(server, "chat").status == 200
    assert provider.requests[-1][1]["authorization"] == "Bearer sk-another"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_stops_when_it_is_told_and_completes_what_is_under_way(serve, provider, workers):
    """SIGTERM while a stream runs: the stream is complete, then the process ends."""
    provider.pause = 0.2
    server = serve("--workers", workers)
    server.publish("chat", provider.url)
    server.await_everywhere("chat")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        stream = pool.submit(server.post, "/v1/chat/completions", {"model": "chat", "stream": True, **CHAT})
        while not provider.requests:
            assert not stream.done(), stream.result()
            time.sleep(0.005)
        code = server.stop()
        assert stream.result().body.endswith(b"data: [DONE]\n\n")
    assert code in (0, -15)
    assert "Traceback" not in server.output
