"""A provider that asks to be left alone is, by every worker of every server."""

import json
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from types import SimpleNamespace

import pytest

from fixtures.callers import CHAT, keep

LIMITED = (429, b'{"error": {"message": "slow down"}}')


@dataclass
class Worker:
    """One worker of a server, over a connection of its own that it has accepted."""

    connection: HTTPConnection
    key: str

    def ask(self, method, path, body=None):
        """Status, `retry-after` in seconds, and the body."""
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        self.connection.request(method, path, body and json.dumps(body), headers)
        answer = self.connection.getresponse()
        return SimpleNamespace(
            status=answer.status, wait=int(answer.getheader("retry-after", "0")), json=json.loads(answer.read())
        )

    def chat(self):
        """A request of an application."""
        return self.ask("POST", "/v1/chat/completions", CHAT)


@pytest.fixture
def workers_of():
    """Every worker of a server; the connections are closed at the end."""
    found = []

    def reach(server):
        for process in (processes := server.workers()):
            others = [other for other in processes if other != process]
            for other in others:  # they stand still while it accepts a connection
                other.suspend()
            try:
                found.append(Worker(keep(server), server.admin_key))
            finally:
                for other in others:
                    other.resume()
        return found[-len(processes) :]

    yield reach
    for worker in found:
        worker.connection.close()


def await_that(what):
    """Ask until it is so."""
    deadline = time.monotonic() + 10
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("shared", "seconds"), [("sqlite", 7), ("postgres", 3), ("valkey", 3)])
def test_nobody_calls_a_provider_before_the_time_it_has_stated(serve, workers_of, provider, request, shared, seconds):
    """On SQLite the two workers of a server; else those of two, which share PostgreSQL, or that and Valkey.

    Whoever asks meanwhile is told to wait, for no longer than is left; afterwards every worker answers again.
    """
    given = {"GATEWRIGHT_KEK": "00" * 32}
    if shared != "sqlite":
        given["GATEWRIGHT_DATABASE"] = request.getfixturevalue("empty_postgres_url")
    if shared == "valkey":
        given["GATEWRIGHT_REDIS"] = request.getfixturevalue("valkey_url")
    servers = [serve("--workers", "2", **given) for _ in range(1 if shared == "sqlite" else 2)]
    servers[0].publish("chat", provider.url)
    for server in servers:
        server.await_everywhere("chat")
    workers = [worker for server in servers for worker in workers_of(server)]
    provider.fail, provider.wait = LIMITED, str(seconds)
    told = workers[0].chat()
    assert (told.status, told.wait) == (429, seconds)
    provider.fail = None
    for worker in workers[2:]:  # the other worker of the machine knows at once
        await_that(lambda worker=worker: worker.ask("GET", "/api/v1/targets").json["targets"][0]["state"] == "out")
    waits = {}
    for at, worker in enumerate(workers):
        told = worker.chat()
        assert told.status == 429
        waits[at] = told.wait
    while waits:
        for at, worker in enumerate(workers):
            told = worker.chat()
            if told.status == 200:
                waits.pop(at, None)
            else:
                assert (told.status, 1 <= told.wait <= waits[at]) == (429, True)
                waits[at] = told.wait
        assert time.monotonic() - provider.arrivals[0] < seconds + 5
        time.sleep(0.02)
    assert provider.arrivals[1] - provider.arrivals[0] >= seconds
