"""Whole servers: every finished request is in the ledger once, whoever is killed and whatever is away meanwhile."""

import http.client
import json
import resource
import sqlite3
import threading
import time
from urllib.parse import urlsplit

from fixtures.callers import REQUESTS, await_requests, listed
from fixtures.server import BOTH_DATABASES

CHAT = {"model": "chat", "messages": [{"role": "user", "content": "a question that nobody may keep"}]}


def chat(server, **fields):
    """One chat; its request id."""
    reply = server.post("/v1/chat/completions", CHAT | fields)
    assert reply.status == 200, reply.body
    return reply.headers["x-gatewright-request-id"]


class Load:
    """Clients that ask again and again, each over one connection, until the server is gone.

    Attributes:
        certain: ids of requests whose connection was answered once more after them: they were over.
        last: ids of the last answered request of each connection.
    """

    def __init__(self, server, clients):
        self.certain, self.last = [], []
        self._address = urlsplit(server.url).netloc
        self._headers = {"authorization": f"Bearer {server.admin_key}", "content-type": "application/json"}
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        for one in self._threads:
            one.start()

    def _ask(self):
        connection, last = http.client.HTTPConnection(self._address, timeout=30), None
        try:
            while True:
                connection.request("POST", "/v1/chat/completions", json.dumps(CHAT), self._headers)
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200
                if last is not None:
                    self.certain.append(last)
                last = answer.getheader("x-gatewright-request-id")
        except (OSError, http.client.HTTPException):
            if last is not None:
                self.last.append(last)
        finally:
            connection.close()

    def await_answers(self, count):
        deadline = time.monotonic() + 30
        while len(self.certain) < count:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def join(self):
        for one in self._threads:
            one.join(30)


def test_a_request_leaves_a_record_of_what_it_did_and_none_of_what_it_said(server, provider):
    """Who, where, how long, how much; a stream and a failure too; and only admins may see it."""
    server.publish("chat", provider.url)
    whole, streamed = chat(server), chat(server, stream=True)
    refused = server.post("/v1/chat/completions", CHAT | {"model": "none"})
    found = await_requests(server, whole, streamed, refused.headers["x-gatewright-request-id"])
    assert len(found) == 3
    one = found[whole]
    assert (one["endpoint"], one["provider"], one["model"]) == ("chat", "openai-compatible", "model-0")
    assert (one["operation"], one["status"], one["error"], one["attempts"]) == ("chat", 200, "", 1)
    assert (one["key_id"], one["stream"], found[streamed]["stream"]) == ("admin", False, True)
    assert abs(one["at"] - time.time() * 1000) < 60_000
    assert 0 < one["overhead_us"] <= one["first_byte_us"] <= one["total_us"] < 60_000_000
    assert one["usage_told"]
    assert one["total_tokens"] == one["input_tokens"] + one["output_tokens"] > 0
    assert {one["error"] for one in listed(server, status="4xx")} == {"RESOURCE_DOES_NOT_EXIST"}
    key = server.get(REQUESTS, key="")
    assert key.status == 401
    server.stop()
    for path in (one for one in server.data_dir.rglob("*") if one.is_file()):
        assert b"a question that nobody" not in path.read_bytes(), path
    assert list((server.data_dir / "journal").iterdir()) == []


@BOTH_DATABASES
def test_a_server_that_is_killed_under_load_loses_no_request_and_doubles_none(serve, provider):
    """Two workers, SIGKILL, three times; each start stores what the kill left."""
    server = serve("--workers", "2")
    server.publish("chat", provider.url)
    server.await_everywhere("chat")
    certain, last = [], []
    for round_ in range(3):
        load = Load(server, clients=6)
        load.await_answers(100 + 77 * round_)
        server.stop(9)
        load.join()
        certain += load.certain
        last += load.last
        server.start()
        found = await_requests(server, *certain)
        # Beside those, only what was under way: the last of each client, answered or not.
        assert len(set(found) - set(certain)) <= 2 * 6 * (round_ + 1)
    assert len(set(found) - set(certain) - set(last)) <= 6 * 3


@BOTH_DATABASES
def test_a_worker_that_is_killed_leaves_its_records_to_the_others(serve, provider):
    """Without a restart of the server: within seconds another worker stores them."""
    server = serve("--workers", "2")
    server.publish("chat", provider.url)
    server.await_everywhere("chat")
    load = Load(server, clients=6)
    load.await_answers(100)
    for worker in server.workers():
        worker.kill()
    load.join()
    await_requests(server, *load.certain)
    found = await_requests(server, chat(server))
    assert len(set(found) - set(load.certain)) <= 2 * 6 + 1


def test_while_postgresql_is_away_requests_wait_and_all_come_in(serve, provider, postgres):
    """Also those of a worker that is killed in that time."""
    server = serve("--workers", "2", GATEWRIGHT_DATABASE=postgres.url)
    server.publish("chat", provider.url)
    server.await_everywhere("chat")
    ids = [chat(server) for _ in range(20)]
    postgres.kill()
    ids += [chat(server) for _ in range(40)]
    assert server.get(REQUESTS).status == 503
    server.workers()[0].kill()
    ids += [chat(server) for _ in range(20)]
    assert sum(path.stat().st_size for path in (server.data_dir / "journal").rglob("*.j1")) > 60 * 150
    postgres.start()
    deadline = time.monotonic() + 30
    while server.get(REQUESTS).status == 503:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    found = await_requests(server, *ids)
    assert set(found) == set(ids)


def test_a_full_disk_costs_records_and_no_request(server, provider):
    """They are counted in the log; those of before and after are there."""
    server.publish("chat", provider.url)
    before = [chat(server) for _ in range(50)]
    await_requests(server, *before)
    (path,) = (server.data_dir / "journal").rglob("*.j1")
    assert path.stat().st_size > 2 * len(server.output), "the log needs room to tell it"
    soft, hard = resource.prlimit(server.worker.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.worker.pid, resource.RLIMIT_FSIZE, (path.stat().st_size, hard))
    lost = [chat(server) for _ in range(5)]
    resource.prlimit(server.worker.pid, resource.RLIMIT_FSIZE, (soft, hard))
    after = [chat(server) for _ in range(5)]
    # The last one's record may have been written after its answer, when there was room again.
    assert set(await_requests(server, *before, *after)).isdisjoint(lost[:-1])
    assert "cannot keep requests, 1 are lost so far" in server.output


def test_a_database_that_stays_locked_holds_up_no_request(server, provider):
    """Another program has the SQLite file; records wait in the journal."""
    server.publish("chat", provider.url)
    other = sqlite3.connect(server.data_dir / "gatewright.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    ids = [chat(server) for _ in range(20)]
    assert time.monotonic() - begun < 5
    assert listed(server) == []
    other.execute("ROLLBACK")
    other.close()
    assert set(await_requests(server, *ids)) == set(ids)
