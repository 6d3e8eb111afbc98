"""`gatewright secrets rotate` while servers run, and when it is killed."""

import concurrent.futures
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

SECRETS = "/api/3.0/mlflow/gateway/secrets"
CHAT = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}


def rotation(data_dir, **options):
    command = [sys.executable, "-m", "gatewright", "secrets", "rotate", "--data-dir", str(data_dir)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def test_rotations_under_load_fail_no_request(serve, provider):
    """Calls, new secrets and changed ones go on through three rotations; afterwards every secret opens."""
    server = serve("--workers", "2")
    server.publish("chat", provider.url)
    server.await_everywhere("chat")
    stop = threading.Event()
    statuses: list[int] = []
    names = (f"s-{number}" for number in range(100_000))

    def call():
        while not stop.is_set():
            statuses.append(server.post("/v1/chat/completions", CHAT).status)

    def write():
        while not stop.is_set():
            fields = {"secret_name": next(names), "secret_value": {"api_key": "sk-12345678"}, "provider": "openai"}
            made = server.post(f"{SECRETS}/create", fields)
            statuses.append(made.status)
            secret_id = made.json["secret"]["secret_id"]
            changed = {"secret_id": secret_id, "secret_value": {"api_key": "sk-87654321"}}
            statuses.append(server.post(f"{SECRETS}/update", changed).status)

    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        work = [pool.submit(call), pool.submit(call), pool.submit(call), pool.submit(write)]
        try:
            for _ in range(3):
                rotated = rotation(server.data_dir)
                told, problem = rotated.communicate(timeout=30)
                assert rotated.returncode == 0, problem
                assert "Done." in told
        finally:
            stop.set()
        for one in work:
            one.result()
    assert len(statuses) > 20
    assert set(statuses) == {200}
    server.stop()
    server.start()
    assert server.post("/v1/chat/completions", CHAT).status == 200
    assert "cannot be used" not in server.output
    assert len((server.data_dir / "kek").read_text().split()) == 1


@pytest.mark.parametrize("seed", range(2))
def test_a_killed_rotation_leaves_every_secret_readable(server, provider, seed):
    """SIGKILL at random moments, again and again; the next rotation completes what they left, and leaves one key."""
    chance = random.Random(seed)
    server.publish("chat", provider.url)
    began = time.monotonic()
    killed = 0
    for _ in range(5):
        one = rotation(server.data_dir)
        # It prints a line after each step: kill it around one of them, or while it starts.
        if (steps := chance.randrange(4)) == 0:
            time.sleep(chance.uniform(0, 0.8))
        for _ in range(steps):
            one.stdout.readline()
        time.sleep(chance.uniform(0, 0.005))
        one.kill()
        one.communicate()
        killed += one.returncode == -signal.SIGKILL
        name = f"s-{killed}-{time.monotonic_ns()}"
        server.manage("secrets/create", secret_name=name, secret_value={"api_key": "sk-12345678"}, provider="openai")
        assert server.post("/v1/chat/completions", CHAT).status == 200
    assert killed > 0, f"none was killed in {time.monotonic() - began:.1f} s"
    last = rotation(server.data_dir)
    assert last.wait(30) == 0, last.communicate()
    last.communicate()
    assert not list(server.data_dir.glob(".kek-*.tmp")), "a killed rotation's file holds keys"
    assert len((server.data_dir / "kek").read_text().split()) == 1
    server.stop()
    server.start()
    assert server.post("/v1/chat/completions", CHAT).status == 200
    assert "cannot be used" not in server.output
