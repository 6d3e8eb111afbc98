"""An acknowledged write survives SIGKILL."""

import http.client
import itertools
import signal
import sqlite3
import threading
import time

import pytest

from fixtures.server import Served


def write_until_killed(server: Served, acknowledged: list[str], writer: str) -> None:
    for number in itertools.count():
        name = f"{writer}-{number}"
        fields = {"secret_name": name, "secret_value": {"api_key": f"sk-{name}-secret"}, "provider": "openai"}
        try:
            reply = server.post("/api/3.0/mlflow/gateway/secrets/create", fields)
        except (OSError, http.client.HTTPException):  # before an answer, or within one: it was not acknowledged
            return
        if reply.status == 200:
            acknowledged.append(name)


@pytest.mark.parametrize(
    ("workers", "database_kind"), [("1", "sqlite"), ("2", "sqlite"), ("2", "postgres")], indirect=["database_kind"]
)
def test_no_acknowledged_write_is_lost_by_sigkill(serve, workers, database_kind):
    """Five times: several writers, SIGKILL in the middle, restart; every write that was answered is there, whole."""
    server = serve("--workers", workers)
    acknowledged: list[str] = []
    for turn in range(5):
        before = len(acknowledged)
        writers = [
            threading.Thread(target=write_until_killed, args=(server, acknowledged, f"t{turn}-w{number}"))
            for number in range(4)
        ]
        for one in writers:
            one.start()
        deadline = time.monotonic() + 10
        while len(acknowledged) < before + 20 and time.monotonic() < deadline:
            time.sleep(0.01)
        server.stop(signal.SIGKILL)
        for one in writers:
            one.join(20)
        server.start()
        stored = {one["secret_name"]: one for one in server.get("/api/3.0/mlflow/gateway/secrets/list").json["secrets"]}
        lost = set(acknowledged) - set(stored)
        assert lost == set()
        assert all(one["masked_values"]["api_key"].startswith("sk-") for one in stored.values())
        assert len(acknowledged) > before
    if database_kind == "postgres":
        return
    with sqlite3.connect(server.data_dir / "gatewright.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
