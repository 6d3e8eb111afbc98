"""Everything wrong with a file is told at once, with its line, and without a secret."""

import os

import pytest

from gatewright.control.crypto import Vault
from gatewright.control.keyring import Key, Keyring
from gatewright.control.manifest.document import MAX_BYTES, MAX_DEPTH
from gatewright.control.manifest.file import apply
from gatewright.control.store.database import Database
from gatewright.errors import ConfigError

CANARY = "sk-canary-4f9a7c"


@pytest.fixture
def refused(sqlite_url, tmp_path):
    """The message an apply of these bytes is refused with, the file's folder taken out."""
    database = Database(sqlite_url)
    path = tmp_path / "gateway.yaml"

    def apply_bytes(data):
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        variables = {"EMPTY": "", "KEY": CANARY}
        with pytest.raises(ConfigError) as caught:
            apply(database, Vault(Keyring([Key(b"k" * 32)])), path, allow_private=False, variable=variables.get)
        assert "canary" not in caught.value.public
        return caught.value.public.replace(f"{tmp_path}{os.sep}", "")

    yield apply_bytes
    database.close()


def test_all_problems_of_a_file_are_told_at_once_in_its_order(refused):
    """One run of the command is enough to mend a file."""
    told = refused(
        """\
secret: {}
secrets:
  openai:
    provder: openai
    secret_value: {api_key: sk-canary-4f9a7c}
  openai: {}
model_definitions:
  gpt: {secret: nowhere, model_name: gpt-4o}
endpoints:
  chat:
    models: [gpt, gtp, {model: gpt, weight: -1}]
    fallbacks: [gpt, gpt]
    usage_tracking: maybe
    tags: [x]
  empty: {}
  lone: {models: [gpt], max_attempts: 1}
"""
    )
    assert told.splitlines() == [
        "gateway.yaml:1: unknown key 'secret' in the file. Did you mean 'secrets'?",
        "gateway.yaml:4: unknown key 'provder' in secret 'openai'. Did you mean 'provider'?",
        (
            "gateway.yaml:5: 'api_key' in 'secret_value' of secret 'openai' is written out here; a secret never stands "
            "in the file: write {env: NAME} for an environment variable, or {file: path} for a file."
        ),
        "gateway.yaml:6: key 'openai' of 'secrets' is already given in line 3.",
        "gateway.yaml:8: there is no secret 'nowhere', neither in this file nor in the gateway.",
        (
            "gateway.yaml:11: 'weight' of a model of endpoint 'chat' must be a number from 0 to 1000000000, such as 1 "
            "or 0.5."
        ),
        (
            "gateway.yaml:11: there is no model definition 'gtp', neither in this file nor in the gateway. "
            "Did you mean 'gpt'?"
        ),
        "gateway.yaml:12: 'gpt' is in 'fallbacks' of endpoint 'chat' twice.",
        "gateway.yaml:13: 'usage_tracking' of endpoint 'chat' must be true or false.",
        "gateway.yaml:14: 'tags' of endpoint 'chat' must be a mapping ('name: value' lines).",
        "gateway.yaml:15: endpoint 'empty' needs 'models': at least one model definition.",
        "gateway.yaml:16: 'max_attempts' of endpoint 'lone' counts fallbacks, and it has no 'fallbacks'.",
    ]


def test_a_tag_of_ours_that_cannot_be_used_is_told_with_its_line(refused):
    """Before anything is changed; tags of others may hold anything."""
    told = refused(
        """\
endpoints:
  chat:
    models: [gpt]
    tags: {gatewright.retries: "many", team: many}
"""
    )
    assert "gateway.yaml:4: endpoint 'chat': Invalid value 'many' of tag 'gatewright.retries'" in told
    assert "team" not in told


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("{env: NOPE}", "environment variable NOPE is not set."),
        ("{env: EMPTY}", "environment variable EMPTY is empty."),
        ("{env: 'sk canary'}", "'env' must be the name of an environment variable."),
        ("{env: KEY, file: x}", "must be one reference: write {env: NAME}"),
        ("{sk-canary-4f9a7c: x}", "must be one reference: write {env: NAME}"),
        ("[sk-canary-4f9a7c]", "must be one reference: write {env: NAME}"),
        ("{file: missing.key}", "missing.key cannot be read: No such file or directory."),
        ("{file: ~nobody-here/key}", "its path cannot be understood."),
        ("{file: .}", "cannot be read: Is a directory."),
        ('"sk-canary-4f9a7c"', "is written out here"),
        ("~", "is written out here"),
    ],
)
def test_a_secret_value_that_is_no_good_reference_is_refused_unrepeated(refused, value, told):
    """The message names the field and the line, not what was written."""
    message = refused(f"secrets:\n  s:\n    secret_value:\n      api_key: {value}\n")
    assert message.startswith("gateway.yaml:4: 'api_key' in 'secret_value' of secret 's'")
    assert told in message


def test_a_file_reference_starts_from_the_files_folder_and_drops_the_last_line_break(sqlite_url, tmp_path):
    """A key file made by `echo` works from any working directory."""
    (tmp_path / "key").write_text(f"{CANARY}\r\n")
    path = tmp_path / "gateway.yaml"
    path.write_text("secrets: {s: {secret_value: {api_key: {file: key}}}}\n")
    database, vault = Database(sqlite_url), Vault(Keyring([Key(b"k" * 32)]))
    [change] = apply(database, vault, path, allow_private=False)
    database.close()
    assert [(one.field, one.after) for one in change.differences] == [
        ("secret_value.api_key", "the value from file key")
    ]


def test_too_large_or_binary_key_files_are_refused(refused, tmp_path):
    """A wrong path must not put a disk image into the database."""
    (tmp_path / "big").write_bytes(b"x" * 70_000)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "blank").write_bytes(b"\n")
    told = refused("secrets:\n  s:\n    secret_value: {a: {file: big}, b: {file: binary}, c: {file: blank}}\n")
    assert [line.rpartition(" is ")[2] for line in told.splitlines()] == [
        "too large for a secret.",
        "not UTF-8 text, or its path cannot be understood.",
        "empty.",
    ]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "gateway.yaml: empty."),
        (b"# only a comment\n", "gateway.yaml: empty."),
        (b"- a\n", "gateway.yaml:1: the file must be a mapping"),
        (b"endpoints: [a]\n", "gateway.yaml:1: 'endpoints' must be a mapping"),
        (b"endpoints:\n", "gateway.yaml:1: 'endpoints' must be a mapping"),
        (b"endpoints: {a: {models: x}}\n", "gateway.yaml:1: 'models' of endpoint 'a' must be a list"),
        (b"endpoints:\n  a: b: c\n", "gateway.yaml:2: mapping values are not allowed here."),
        (b"a: 1\n\tb: 2\n", "gateway.yaml:2: found character '\\t' that cannot start any token."),
        (b"a: 1\n---\nb: 2\n", "gateway.yaml:2: but found another document."),
        (b"secrets:\n  a: \xff\n", "gateway.yaml:2: not UTF-8 text."),
        (b"secrets:\n  a: \x00\n", "gateway.yaml:2: holds a control character"),
        (b"a: &x {b: c}\nd: *x\n", "gateway.yaml:2: anchors and aliases are not supported"),
        (b"[" * 100_000, f"gateway.yaml:1: nested deeper than {MAX_DEPTH} levels."),
        (b"secrets: {a: !!python/object:os.system {}}\n", "gateway.yaml:1: secret 'a' must be a mapping"),
        (b"secrets: {a: {provider: !!binary aGk=}}\n", "gateway.yaml:1: 'provider' of secret 'a' has the YAML tag"),
        (b"secrets: {a: {provider: }}\n", "gateway.yaml:1: 'provider' of secret 'a' has no value."),
        (b"secrets: {<<: {a: {}}}\n", "gateway.yaml:1: "),
        (b'\n"\\UFFFFFFFF": 1\n', "gateway.yaml:2: a number there is too large."),
        (b'\n"\\U00110000": 1\n', "gateway.yaml:2: a number there is too large."),
        (b"%YAML " + b"9" * 5000 + b".1\n", "gateway.yaml:1: a number there is too large."),
        (b"? [a, b]\n: c\n", "gateway.yaml:1: a key of the file must be a text."),
        (b"#" * (MAX_BYTES + 1), f"gateway.yaml: larger than {MAX_BYTES} bytes."),
    ],
)
def test_what_is_not_a_gateway_file_is_refused_with_its_line(refused, data, told):
    """No bytes make a traceback, a hang or an object."""
    assert refused(data).startswith(told)


def test_what_is_told_of_a_hopeless_file_stays_readable(refused):
    """Neither thousands of problems nor a name of a megabyte fill the terminal."""
    told = refused("".join(f"key{number}: 1\n" for number in range(3000))).splitlines()
    assert len(told) == 101
    assert told[-1] == "gateway.yaml: and 2900 more problems."
    told = refused(f"? {'x' * 500_000}\n: 1\n")
    assert told.startswith("gateway.yaml:1: unknown key 'xxx")
    assert told.endswith("Known here: endpoints, model_definitions, secrets.")
    assert len(told) < 1100


def test_a_billion_laughs_are_refused_at_once(refused):
    """Aliases are not expanded, so a small file stays small."""
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    assert refused("\n".join(lines)) == ("gateway.yaml:2: anchors and aliases are not supported: write the value out.")


def test_a_file_that_is_not_there_is_told(sqlite_url, tmp_path):
    """The path and the reason, in one line."""
    database = Database(sqlite_url)
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read: No such file"):
        apply(database, Vault(Keyring([Key(b"k" * 32)])), tmp_path / "none.yaml", allow_private=False)
    database.close()
