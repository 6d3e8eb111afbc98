"""The database goes away while the server runs: calls are served on, management says 503, and both recover alone."""

import concurrent.futures
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import psycopg
import pytest

from fixtures.callers import CHAT, Callers, await_requests
from gatewright.control.keyring import Keyring
from gatewright.settings import Settings

SECRETS = "/api/3.0/mlflow/gateway/secrets"


def create(server, name):
    fields = {"secret_name": name, "secret_value": {"api_key": "sk-12345678"}, "provider": "openai"}
    return server.post(f"{SECRETS}/create", fields)


def names(server):
    return {one["secret_name"] for one in server.get(f"{SECRETS}/list").json["secrets"]}


def assert_out(server, *, reads: bool = False, calls: bool = True):
    """Calls are served, writes are refused with a message that helps; reads too unless they still work."""
    assert not calls or server.post("/v1/chat/completions", CHAT).status == 200
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


def await_health(server, text):
    """Wait until readiness says this; it is 200 all the time."""
    deadline = time.monotonic() + 30
    while not (said := server.get("/health", key="")).body.decode().startswith(text):
        assert (said.status, time.monotonic() < deadline) == (200, True), said.body
        time.sleep(0.05)


def test_postgresql_is_killed_and_started_again(serve, provider, postgres):
    """Two workers, and their successors; the log says what is wrong, again and again but not in a loop."""
    server = serve("--workers", "2", GATEWRIGHT_DATABASE=postgres.url)
    server.publish("chat", provider.url)
    server.await_everywhere("chat")
    postgres.kill()
    await_health(server, "degraded since ")
    before = server.output.count("\n")
    for _ in range(4):
        assert_out(server)
        time.sleep(0.5)
    assert server.output.count("\n") - before < 150
    for one in server.workers():
        one.kill()
    assert_out(server)  # by those that started from the configuration on disk
    server.await_output("started without the database")
    await_health(server, "degraded since ")
    postgres.start()
    assert_back(server, {"chat-0"})
    await_health(server, "OK")
    server.publish("new", provider.url)
    server.await_everywhere("new")  # and every worker follows again
    assert {server.post("/v1/chat/completions", CHAT | {"model": "new"}).status for _ in range(10)} == {200}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_starts_while_postgresql_is_away_and_no_record_is_lost_or_doubled(serve, provider, postgres, workers):
    """Killed and started again twice, reloaded once, all without the database: the ledger has what was served."""
    server = serve("--workers", workers, GATEWRIGHT_DATABASE=postgres.url)
    server.publish("chat", provider.url)
    server.await_everywhere("chat")
    callers = [Callers(server, 6)]
    callers[0].more(50)
    postgres.kill()
    callers[0].more(50)
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        callers[-1].stop()
        await_records(server, len(callers[-1].answered))
        server.stop(signal_number)
        server.start()
        assert server.output.count("started without the database") >= int(workers)
        assert server.get("/health", key="").body.startswith(b"degraded since ")
        callers.append(Callers(server, 6))
        callers[-1].more(50)
        assert_out(server, calls=False)
    done = server.reload()
    assert (done.returncode, done.stderr) == (0, "")
    callers[-1].more(50)
    postgres.start()
    await_health(server, "OK")
    callers[-1].more(50)
    callers[-1].stop()
    assert [one.failures for one in callers] == [[]] * 3
    answered = [id_ for one in callers for id_ in one.answered]
    assert set(await_requests(server, *answered)) == set(answered)
    assert len(answered) == len(provider.requests)
    assert "Traceback" not in server.output


def await_records(server, count):
    """Wait until so many requests were recorded since the server started."""
    deadline = time.monotonic() + 10
    while True:
        page = server.get("/metrics").body.decode()
        told = sum(map(float, re.findall(r"^gatewright_requests_total\{.*\} (\S+)$", page, re.MULTILINE)))
        if told == count:
            return
        assert time.monotonic() < deadline, f"{told} of {count} were recorded"
        time.sleep(0.1)


def away(server):
    """Take the database away from a server that is stopped; gives it back."""
    path = server.data_dir / "gatewright.db"
    server.stop()
    gone = path.rename(server.data_dir / "elsewhere")
    return lambda: gone.rename(path)


def test_a_sqlite_file_that_is_gone_at_a_start_is_an_outage(server, provider):
    """No empty database takes its place; what is served is what was, and all is there again when the file is."""
    server.publish("chat", provider.url)
    give_back = away(server)
    server.start()
    assert_out(server)
    assert not (server.data_dir / "gatewright.db").exists()
    give_back()
    assert_back(server, {"chat-0"})
    await_health(server, "OK")


def test_a_database_that_is_empty_at_a_start_is_an_outage_too(serve, provider, postgres):
    """Somebody made a new one where the old one was: it must not wipe out what is served."""
    server = serve(GATEWRIGHT_DATABASE=postgres.url)
    server.publish("chat", provider.url)
    server.stop()
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("ALTER SCHEMA public RENAME TO elsewhere")
        connection.execute("CREATE SCHEMA public")
    server.start()
    assert_out(server)
    assert b"The database is empty, and was not before" in server.get("/health").body
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        assert connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall() == []
        connection.execute("DROP SCHEMA public")
        connection.execute("ALTER SCHEMA elsewhere RENAME TO public")
    assert_back(server, {"chat-0"})
    await_health(server, "OK")


def test_a_start_from_disk_lets_in_whom_the_last_configuration_let_in(server, provider):
    """A key that was revoked before stays so; an admin key is that of the settings of this start alone."""
    server.publish("chat", provider.url)
    keys = [command(server, "keys", "create", name).stdout.split("gw-")[1].split()[0] for name in ("kept", "revoked")]
    assert command(server, "keys", "revoke", "revoked").returncode == 0
    kept, revoked = (f"gw-{key}" for key in keys)
    deadline = time.monotonic() + 5
    while server.get("/v1/models", key=revoked).status != 401 or server.get("/v1/models", key=kept).status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    give_back = away(server)
    last, server.admin_key = server.admin_key, "gw-another-admin-key"
    server.start()
    assert server.post("/v1/chat/completions", CHAT, key=kept).status == 200
    assert server.get("/v1/models", key=revoked).status == 401
    assert server.get("/v1/models", key=last).status == 401
    assert server.get(f"{SECRETS}/list").status == 503
    give_back()
    await_health(server, "OK")
    assert server.get("/v1/models", key=kept).status == 200


def test_after_a_rotation_of_the_key_a_start_from_disk_works(server, provider):
    """The configuration on disk is written anew under the new key before it is needed."""
    server.publish("chat", provider.url)
    path = server.data_dir / "snapshot"
    before = Keyring.load(Settings.load({}, data_dir=server.data_dir)).primary.id.encode()
    while not path.exists() or before not in path.read_bytes():
        time.sleep(0.02)
    rotated = command(server, "secrets", "rotate")
    assert rotated.returncode == 0, rotated.stderr
    deadline = time.monotonic() + 5
    while before in path.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    away(server)
    server.start()
    assert_out(server)


def command(server, *words, **environment):
    """A command on the server's data directory, ended."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GATEWRIGHT_")}
    return subprocess.run(
        [sys.executable, "-m", "gatewright", *words, "--data-dir", str(server.data_dir)],
        env=env | server.environment | environment | {"GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("fault", ["another key", "damaged", "another database"])
def test_a_configuration_on_disk_that_cannot_be_used_is_refused_by_its_name(server, provider, fault):
    """With what is wrong with the database; nothing is served from it, and no traceback is shown."""
    server.publish("chat", provider.url)
    away(server)
    path, given = server.data_dir / "snapshot", {}
    told = f"The file {path} cannot be decrypted"
    if fault == "another key":
        given = {"GATEWRIGHT_KEK": "00" * 32}
        told = f"The file {path} is encrypted under key"
    elif fault == "damaged":
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    else:
        given = {"GATEWRIGHT_DATABASE": "postgresql://user:canary@127.0.0.1:1/none"}
        told = f"{path} is passed over: it is of another database"
    refused = command(server, "serve", "--port", "0", **given)
    assert refused.returncode == 1
    assert told in refused.stderr
    assert "Error: The database cannot be reached" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "canary" not in refused.stderr


def test_a_first_start_without_the_database_says_so(serve, server):
    """There is nothing to serve from."""
    server.stop()
    shutil.rmtree(server.data_dir)
    refused = command(server, "serve", "--port", "0", GATEWRIGHT_DATABASE="postgresql://user@127.0.0.1:1/none")
    assert refused.returncode == 1
    assert refused.stderr.rstrip().endswith(
        "Error: The database cannot be reached, or is busy. Try again; the server's log has the reason."
    )
