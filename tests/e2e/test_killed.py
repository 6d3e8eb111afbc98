"""Commands that are killed with SIGKILL: all of what they do happens, or nothing."""

import contextlib
import os
import random
import sqlite3
import subprocess
import sys
import time

import pytest

from gatewright.control.store.database import Database
from gatewright.control.store.schema import check, upgrade

SECRETS = 400


def command(data_dir, *words):
    env = {name: value for name, value in os.environ.items() if not name.startswith("GATEWRIGHT_")}
    return subprocess.Popen(
        [sys.executable, "-m", "gatewright", *words, "--data-dir", str(data_dir)],
        env=env | {"KEY": "sk-12345678"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(data_dir, *words):
    one = command(data_dir, *words)
    told, problem = one.communicate(timeout=60)
    assert one.returncode == 0, problem
    return told


def stored(data_dir):
    with sqlite3.connect(data_dir / "gatewright.db") as database:
        [count] = database.execute("SELECT count(*) FROM secrets").fetchone()
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    return count


def writing(data_dir):
    """Whether another process is in the middle of a write."""
    with contextlib.closing(sqlite3.connect(data_dir / "gatewright.db", timeout=0, isolation_level=None)) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False


def test_an_apply_that_is_killed_applied_all_or_nothing(tmp_path):
    """In the middle of its transaction, four times; then the same file is applied whole."""
    chance = random.Random(1)
    secret = "{provider: openai, secret_value: {api_key: {env: KEY}}}"
    file = tmp_path / "gateway.yaml"
    file.write_text("secrets:\n" + "".join(f"  s-{number}: {secret}\n" for number in range(SECRETS)))
    data_dir = tmp_path / "data"
    finished(data_dir, "db", "upgrade")
    counts = []
    for _ in range(4):
        one = command(data_dir, "apply", "-f", str(file))
        while one.poll() is None and not writing(data_dir):
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.3))
        one.kill()
        one.communicate()
        counts.append(stored(data_dir))
    assert set(counts) <= {0, SECRETS}
    assert counts[0] == 0
    finished(data_dir, "apply", "-f", str(file))
    assert stored(data_dir) == SECRETS
    assert finished(data_dir, "apply", "-f", str(file)).splitlines()[-1] == "Nothing to change."


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_migrations_that_are_killed_leave_no_table_or_all(request, tmp_path, kind):
    """Wherever the kill fell, the next upgrade makes the schema whole; several at once agree."""
    url = f"sqlite:///{tmp_path / 'gatewright.db'}"
    if kind == "postgres":
        url = request.getfixturevalue("empty_postgres_url")
    program = (
        "import sys\n"
        "from gatewright.control.store.database import Database\n"
        "from gatewright.control.store.schema import upgrade\n"
        "sys.stdout.write('go\\n'); sys.stdout.flush()\n"
        "upgrade(Database(sys.argv[1]))\n"
    )
    chance = random.Random(2)
    for _ in range(8):
        one = subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.PIPE)
        one.stdout.readline()
        time.sleep(chance.uniform(0, 0.25))
        one.kill()
        one.communicate()
    several = [subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.PIPE) for _ in range(3)]
    for one in several:
        one.communicate(timeout=30)
        assert one.returncode == 0
    database = Database(url)
    upgrade(database)
    check(database)
    assert database.revision() >= 1
    database.close()
