"""How a server starts: keys, ports and the database."""

import socket
import stat
import subprocess
import sys
import time

import psutil
import pytest

ROUTES = ("/v1/models", "/api/3.0/mlflow/gateway/secrets/list", "/openapi.json", "/docs", "/version", "/nothing")


def run(data_dir, *arguments):
    command = [sys.executable, "-m", "gatewright", *arguments, "--data-dir", str(data_dir)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_first_start_prints_an_admin_key_once_and_stores_only_its_hash(serve):
    """It manages; a restart prints none; no file of the data directory holds it."""
    server = serve(admin_key="")
    key = server.first_key
    assert server.get("/api/3.0/mlflow/gateway/secrets/list", key=key).status == 200
    server.stop()
    server.start()
    assert server.output.count(key) == 1
    assert server.get("/api/3.0/mlflow/gateway/secrets/list", key=key).status == 200
    server.stop()
    for path in (one for one in server.data_dir.rglob("*") if one.is_file()):
        assert key.encode() not in path.read_bytes(), path
    assert stat.S_IMODE((server.data_dir / "kek").stat().st_mode) == 0o600
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700
    assert "kek" in server.output, "the log says that a key-encryption key was made"


def test_every_route_but_health_needs_a_key(server):
    """Also those that do not exist; a browser is asked for the key on the API's page."""
    assert server.get("/health", key="").status == 200
    assert server.get("/health/live", key="").status == 200
    for route in ROUTES:
        assert server.get(route, key="").status == 401, route
        assert server.get(route, key="gw-wrong").status == 401, route
    assert server.get("/nothing").status == 404


def test_a_key_made_and_revoked_on_the_command_line_counts_at_once(server):
    """A caller's key calls but does not manage; after the revocation it does neither."""
    made = run(server.data_dir, "keys", "create", "my-app")
    assert made.returncode == 0, made.stderr
    key = next(word for word in made.stdout.split() if word.startswith("gw-"))

    def settled(status):
        deadline = time.monotonic() + 2
        while server.get("/v1/models", key=key).status != status:
            assert time.monotonic() < deadline, "not served within a second"
            time.sleep(0.02)

    settled(200)
    assert server.get("/api/3.0/mlflow/gateway/secrets/list", key=key).status == 403
    assert run(server.data_dir, "keys", "revoke", "my-app").returncode == 0
    settled(401)


def test_a_taken_port_is_named(tmp_path):
    """With the way out, and no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        failed = run(tmp_path, "serve", "--port", port)
    assert failed.returncode in (1, 2)
    assert f"port {port}" in failed.stderr
    assert "--port" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_an_open_server_on_all_interfaces_is_refused(tmp_path):
    """--no-auth is for loopback."""
    failed = run(tmp_path, "serve", "--no-auth", "--host", "0.0.0.0", "--port", "0")
    assert failed.returncode in (1, 2)
    assert "loopback" in failed.stderr


def test_an_open_server_serves_this_machine_without_keys(serve):
    """And says so loudly."""
    server = serve("--no-auth", admin_key="")
    assert server.get("/v1/models", key="").status == 200
    assert server.get("/v1/models", key="", headers={"Host": "evil.example"}).status == 403
    assert server.get("/openapi.json", key="", headers={"Host": "evil.example"}).status == 403
    foreign = {"Origin": "https://evil.example"}
    assert server.post("/v1/chat/completions", {"model": "x"}, key="", headers=foreign).status == 403
    assert "WARNING" in server.output


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what processes share")
def test_a_server_with_one_worker_is_small(server):
    """Its parent process, which is there for reloads, and the worker together; pages that both use count once."""
    parent = psutil.Process(server.process.pid)
    memory = [one.memory_full_info().pss for one in (parent, server.worker)]
    assert memory[0] < 15_000_000
    assert sum(memory) < 100_000_000
