"""The database goes away while the server runs: calls are served on, management says 503, and both recover alone."""

import concurrent.futures
import resource
import sqlite3
import time

import pytest

SECRETS = "/api/3.0/mlflow/gateway/secrets"
CHAT = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}


def create(server, name):
    fields = {"secret_name": name, "secret_value": {"api_key": "sk-12345678"}, "provider": "openai"}
    return server.post(f"{SECRETS}/create", fields)


def names(server):
    return {one["secret_name"] for one in server.get(f"{SECRETS}/list").json["secrets"]}


def assert_out(server, *, reads: bool = False):
    """Calls are served, writes are refused with a message that helps; reads too unless they still work."""
    assert server.post("/v1/chat/completions", CHAT).status == 200
    refused = create(server, "refused")
    assert (refused.status, refused.json["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert "database" in refused.json["message"]
    assert server.get(f"{SECRETS}/list").status == (200 if reads else 503)
    assert server.get("/health").status == 200


def assert_back(server, expected):
    """Everything works again, and exactly what was acknowledged is there."""
    deadline = time.monotonic() + 10
    while create(server, "after").status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert names(server) == {*expected, "after"}
    assert server.post("/v1/chat/completions", CHAT).status == 200
    assert "Traceback" not in server.output


def test_a_deleted_sqlite_file_that_comes_back_from_a_backup(server, provider):
    """No write is acknowledged that the backup would not have."""
    server.publish("chat", provider.url)
    path = server.data_dir / "gatewright.db"
    backup = sqlite3.connect(server.data_dir / "backup")
    with sqlite3.connect(path) as source:
        source.backup(backup)
    source.close()
    backup.close()
    server.publish("gone", provider.url)
    for one in server.data_dir.glob("gatewright.db*"):
        one.unlink()
    assert_out(server)
    (server.data_dir / "backup").rename(path)
    assert_back(server, {"chat-0"})
    # What the backup does not have is served no longer.
    assert server.post("/v1/chat/completions", CHAT | {"model": "gone"}).status == 404


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux to limit another process")
def test_a_full_disk(server, provider):
    """A write that does not fit is refused whole; reading works on."""
    server.publish("chat", provider.url)
    # A commit makes the write-ahead log longer; the kernel refuses that as on a full disk.
    longest = (server.data_dir / "gatewright.db-wal").stat().st_size
    soft, hard = resource.prlimit(server.worker.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.worker.pid, resource.RLIMIT_FSIZE, (longest, hard))
    assert_out(server, reads=True)
    resource.prlimit(server.worker.pid, resource.RLIMIT_FSIZE, (soft, hard))
    assert_back(server, {"chat-0"})


def test_a_file_that_another_program_keeps_locked(server, provider):
    """A writer waits ten seconds for its turn and no longer; the one that comes later gets it."""
    server.publish("chat", provider.url)
    other = sqlite3.connect(server.data_dir / "gatewright.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        early = pool.submit(create, server, "early")
        time.sleep(4)
        late = pool.submit(create, server, "late")
        assert server.post("/v1/chat/completions", CHAT).status == 200
        assert server.get(f"{SECRETS}/list").status == 200
        assert early.result().status == 503
        other.execute("ROLLBACK")
        assert late.result().status == 200
    other.close()
    assert_back(server, {"chat-0", "late"})


def test_a_key_file_that_is_gone(server, provider):
    """Sealing needs it: 503 until it is back. What is served does not need it."""
    server.publish("chat", provider.url)
    path = server.data_dir / "kek"
    key = path.rename(server.data_dir / "kek-elsewhere")
    refused = create(server, "refused")
    assert refused.status == 503
    assert str(path) in refused.json["message"]
    assert server.post("/v1/chat/completions", CHAT).status == 200
    key.rename(path)
    assert_back(server, {"chat-0"})


def test_postgresql_is_killed_and_started_again(serve, provider, postgres):
    """Two workers, and their successors; the log says what is wrong, again and again but not in a loop."""
    server = serve("--workers", "2", GATEWRIGHT_DATABASE=postgres.url)
    server.publish("chat", provider.url)
    server.await_everywhere("chat")
    postgres.kill()
    before = server.output.count("\n")
    for _ in range(4):
        assert_out(server)
        time.sleep(0.5)
    assert server.output.count("\n") - before < 150
    for one in server.workers():
        one.kill()
    assert_out(server)  # by those that started from the configuration on disk
    assert server.get("/health").body.startswith(b"degraded ")
    postgres.start()
    assert_back(server, {"chat-0"})
    server.publish("new", provider.url)
    server.await_everywhere("new")  # and every worker follows again
    assert {server.post("/v1/chat/completions", CHAT | {"model": "new"}).status for _ in range(10)} == {200}
