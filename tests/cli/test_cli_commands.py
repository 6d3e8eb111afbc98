"""The commands as a person types them: their output, their exit codes, and no traceback."""

import fcntl
import json
import os
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gatewright.cli import main
from gatewright.control.crypto import Vault
from gatewright.control.keyring import Keyring
from gatewright.control.store import keys, secrets
from gatewright.control.store.database import Database
from gatewright.settings import Settings
from gatewright.snapshot.model import key_digest

CANARY = "sk-canary-4f9a7c"
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
VALUES = {
    "OPENAI_API_KEY": CANARY,
    "GROQ_API_KEY": f"{CANARY}-groq",
    "ANTHROPIC_API_KEY": f"{CANARY}-anthropic",
    "VLLM_API_KEY": f"{CANARY}-vllm",
    "AZURE_OPENAI_API_KEY": f"{CANARY}-azure",
    "GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS": "1",
}


@pytest.fixture
def data_dir(tmp_path):
    """A data directory that is not there yet."""
    return tmp_path / "data"


@pytest.fixture
def gatewright(data_dir):
    """Runs a command on the data directory; no secret may ever be in its output."""
    empty = {name: None for name in os.environ if name.startswith("GATEWRIGHT_")}

    def run(*words, code=0, **environment):
        result = CliRunner().invoke(
            main, list(words), env={**empty, "GATEWRIGHT_DATA_DIR": str(data_dir), **VALUES, **environment}
        )
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        assert "canary" not in result.output
        return result

    return run


def revealed(data_dir, **settings):
    loaded = Settings.load({}, data_dir=data_dir, **settings)
    database = Database(loaded.database_url)
    with database.read() as tx:
        found = {one.secret_name: one for one in secrets.reveal_all(tx, Vault(Keyring.load(loaded))).values()}
    database.close()
    return found


def commands(group=main, words=()):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_applies_and_applies_again_without_a_change(gatewright, path):
    """What a newcomer copies works."""
    assert "Applied: " in gatewright("apply", "-f", str(path)).stdout
    assert gatewright("apply", "-f", str(path)).stdout.endswith("\nNothing to change.\n")


def test_all_examples_live_together_in_one_gateway(gatewright):
    """No example takes another's names for something else."""
    for path in EXAMPLES:
        gatewright("apply", "-f", str(path))
    listed = json.loads(gatewright("endpoints", "list", "--json").stdout)
    assert [one["name"] for one in listed] == ["assistant", "chat", "claude", "local", "qwen", "work"]


def test_endpoints_are_shown_with_shares_order_and_tags(gatewright):
    """The table has what routing does, in percent and in order."""
    split = next(path for path in EXAMPLES if path.stem == "split-with-fallback")
    gatewright("apply", "-f", str(split))
    assert gatewright("endpoints", "list").stdout.splitlines() == [
        "NAME       MODELS                       FALLBACKS            TAGS",
        "assistant  gpt-4o 90%, gpt-4o-mini 10%  llama-70b, llama-8b  team=search",
    ]
    shown = gatewright("endpoints", "show", "assistant").stdout
    assert "fallback        at most 2 tried" in shown
    assert re.search(r"^llama-8b +fallback 2 +groq +llama-3.1-8b-instant +groq$", shown, re.MULTILINE)
    assert json.loads(gatewright("endpoints", "show", "assistant", "--json").stdout)["usage_tracking"] is True


def test_a_dry_run_prints_the_plan_and_an_apply_the_changes(gatewright, tmp_path):
    """Old and new value stand beside each other; a credential is told by its source."""
    path = tmp_path / "gateway.yaml"
    path.write_text(EXAMPLES[[one.stem for one in EXAMPLES].index("openai")].read_text())
    gatewright("apply", "-f", str(path))
    path.write_text(path.read_text().replace("model_name: gpt-4o-mini", "model_name: gpt-5"))
    planned = gatewright("apply", "-f", str(path), "--dry-run", OPENAI_API_KEY="sk-other-canary").stdout
    assert planned.splitlines() == [
        "~ secret openai: updated",
        "    secret_value.api_key  the stored value -> the value from env OPENAI_API_KEY",
        "~ model definition gpt-4o-mini: updated",
        "    model_name  gpt-4o-mini -> gpt-5",
        "  endpoint chat: unchanged",
        (
            "Dry run, nothing was written: 0 created, 2 updated, 1 unchanged. Objects that are not in the file are "
            "left alone."
        ),
    ]


def test_a_faulty_file_prints_its_problems_with_lines_and_exits_with_2(gatewright, tmp_path):
    """The first words are ours, then one line a problem."""
    path = tmp_path / "gateway.yaml"
    path.write_text("endpoint: {}\nendpoints:\n  chat: {models: [gpt]}\n")
    lines = gatewright("apply", "-f", str(path), code=2).stderr.splitlines()
    assert lines[-2:] == [
        f"Error: {path}:1: unknown key 'endpoint' in the file. Did you mean 'endpoints'?",
        f"{path}:3: there is no model definition 'gpt', neither in this file nor in the gateway.",
    ]


def test_a_key_is_printed_once_alone_on_stdout_and_only_its_hash_is_stored(gatewright, data_dir):
    """`keys create` can be piped; `keys list` shows a mask."""
    made = gatewright("keys", "create", "my-app", "--admin")
    key = made.stdout.strip()
    assert re.fullmatch(r"gw-[\w-]{43}", key)
    assert key not in made.stderr
    listed = gatewright("keys", "list").stdout
    assert key not in listed
    assert re.search(r"^my-app +gw-\S+\.\.\.\S+ +admin +20", listed, re.MULTILINE)
    database = Database(f"sqlite:///{data_dir / 'gatewright.db'}")
    with database.read() as tx:
        assert key_digest(key) in keys.digests(tx)
    database.close()
    [as_json] = json.loads(gatewright("keys", "list", "--json").stdout)
    assert sorted(as_json) == ["admin", "created_at", "key_id", "masked", "name"]
    assert "Revoked my-app" in gatewright("keys", "revoke", "my-app").stdout
    assert "not found" in gatewright("keys", "revoke", "my-app", code=1).stderr
    assert gatewright("keys", "list").stdout == ""


def test_an_odd_name_of_a_key_does_not_move_the_cursor(gatewright):
    """Neither in the list nor in the word that it is gone."""
    gatewright("keys", "create", "\x1b[31m\n\u202e")
    assert r"\x1b[31m\n\u202e" in gatewright("keys", "list").stdout
    assert r"Revoked \x1b[31m\n\u202e (k-" in gatewright("keys", "revoke", "\x1b[31m\n\u202e").stdout


def test_a_rotation_puts_every_secret_under_a_new_key_and_drops_the_old_one(gatewright, data_dir):
    """Old keys open nothing any more; the values are the same."""
    gatewright("apply", "-f", str(EXAMPLES[-1]))
    before = {name: one.values for name, one in revealed(data_dir).items()}
    old = (data_dir / "kek").read_text()
    told = gatewright("secrets", "rotate").stdout
    new = (data_dir / "kek").read_text()
    assert len(new.split()) == 1
    assert old not in new
    assert (data_dir / "kek").stat().st_mode & 0o777 == 0o600
    assert f"2. {len(before)} secrets were wrapped" in told
    assert {name: one.values for name, one in revealed(data_dir).items()} == before
    assert all(one.problem for one in revealed(data_dir, kek=old.strip()).values())


def test_a_rotation_that_was_cut_short_is_finished_by_the_next_one(gatewright, data_dir):
    """Stopped after the new key was put first, or after the re-wrap: nothing is lost, and nothing stays."""
    gatewright("apply", "-f", str(EXAMPLES[-1]))
    before = {name: one.values for name, one in revealed(data_dir).items()}
    with Keyring.load(Settings.load({}, data_dir=data_dir)).rotation():
        pass
    assert {name: one.values for name, one in revealed(data_dir).items()} == before
    gatewright("secrets", "rotate", "--keep-old")
    assert len((data_dir / "kek").read_text().split()) == 3
    gatewright("secrets", "rotate")
    assert len((data_dir / "kek").read_text().split()) == 1
    assert {name: one.values for name, one in revealed(data_dir).items()} == before


def test_a_secret_that_cannot_be_opened_keeps_the_old_keys(gatewright, data_dir):
    """No key is dropped while a row may need it."""
    gatewright("apply", "-f", str(EXAMPLES[-1]))
    lost = (data_dir / "kek").read_text()
    (data_dir / "kek").write_text("ab" * 32 + "\n")
    told = gatewright("secrets", "rotate", code=1)
    assert "no old key was dropped" in told.stderr
    assert len((data_dir / "kek").read_text().split()) == 2
    with (data_dir / "kek").open("a") as file:
        file.write(lost)
    gatewright("secrets", "rotate")
    assert not any(one.problem for one in revealed(data_dir).values())


def test_a_rotation_by_the_environment_says_which_keys_can_go(gatewright, data_dir):
    """The operator puts the new key first; the command wraps and names the rest."""
    old, new = "ab" * 32, "cd" * 32
    gatewright("apply", "-f", str(EXAMPLES[-1]), GATEWRIGHT_KEK=old)
    assert "holds one key" in gatewright("secrets", "rotate", code=2, GATEWRIGHT_KEK=old).stderr
    told = gatewright("secrets", "rotate", GATEWRIGHT_KEK=f"{new},{old}")
    assert "remove the other keys: " in told.stdout
    assert old not in told.output
    assert new not in told.output
    assert not any(one.problem for one in revealed(data_dir, kek=new).values())


def test_two_rotations_at_once_are_refused(gatewright, data_dir):
    """Each would drop the other's new key."""
    gatewright("apply", "-f", str(EXAMPLES[-1]))
    lock = os.open(data_dir, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    before = (data_dir / "kek").read_text()
    assert "Another rotation" in gatewright("secrets", "rotate", code=2).stderr
    os.close(lock)
    assert (data_dir / "kek").read_text() == before


def test_the_schema_is_made_checked_and_named(gatewright, data_dir):
    """`db check` fails before `db upgrade` and passes after it, twice."""
    assert "There is no database at" in gatewright("db", "check", code=2).stderr
    assert not data_dir.exists()
    url = f"sqlite:///{data_dir / 'other.db'}"
    assert "Run `gatewright db upgrade`" in gatewright("db", "check", "--database", url, code=2).stderr
    for _ in range(2):
        gatewright("db", "upgrade", "--database", url)
    assert "up to date" in gatewright("db", "check", "--database", url).stdout


@pytest.mark.parametrize(
    ("words", "environment", "code", "told"),
    [
        (("serve", "--no-auth", "--host", "0.0.0.0"), {}, 2, "Error: --no-auth serves everybody"),
        (("serve", "--port", "99999"), {}, 2, "use a whole number from 0 to 65535"),
        (("serve",), {"GATEWRIGHT_PORT": "http"}, 2, "Error: GATEWRIGHT_PORT='http' cannot be used"),
        (("serve",), {"GATEWRIGHT_RETRIES": "many"}, 2, "Error: GATEWRIGHT_RETRIES='many' cannot be used: use a whole"),
        (
            ("keys", "list", "--database", "mysql://u:canary@h/d"),
            {},
            2,
            "Error: The database 'mysql' is not supported.",
        ),
        (("endpoints", "show", "nope"), {}, 2, "Error: There is no database at"),
        (("apply", "-f", "/nowhere.yaml"), {}, 2, "Error: /nowhere.yaml: cannot be read: No such file or directory."),
        (("apply",), {}, 2, "Missing option '-f' / '--file'"),
        (("secrets", "rotate"), {}, 2, "Error: There is no database at"),
    ],
)
def test_a_failure_is_one_clear_message_on_stderr(gatewright, words, environment, code, told):
    """No traceback, the right exit code, nothing on stdout."""
    result = gatewright(*words, code=code, **environment)
    assert told in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_the_version_is_printed(gatewright):
    """`gatewright --version` names the program and its version."""
    assert re.fullmatch(r"gatewright, version \d+\.\d+\.\d+\S*\n", gatewright("--version").stdout)


@pytest.mark.parametrize(
    ("words", "command"), list(commands()), ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_every_command_teaches_with_an_example_and_names_its_variables(gatewright, words, command):
    """Help is enough to use a command: an example, and the variable of each option that has one."""
    told = gatewright(*words, "--help").stdout
    assert f"gatewright {' '.join(words)}" in told or words == ("demo",)
    settings = {parameter.name for parameter in command.params} & set(Settings.__dataclass_fields__)
    for name in settings if words != ("demo",) else ():
        assert f"GATEWRIGHT_{name.upper()}" in re.sub(r"\s+", " ", told)
