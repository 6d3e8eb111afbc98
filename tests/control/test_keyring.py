"""Key-encryption keys: where they come from, and how one takes the place of another."""

import base64
import contextlib
import logging
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from gatewright.control.crypto import Vault
from gatewright.control.keyring import Key, Keyring
from gatewright.errors import ConfigError
from gatewright.settings import Settings

OLD = Key(b"o" * 32)


def rotate(keyring):
    """Put a new key first, and leave the old ones in the file."""
    with keyring.rotation() as rotation:
        return rotation.key


def loaded(tmp_path, **options):
    return Keyring.load(Settings(data_dir=tmp_path, **options))


@pytest.mark.parametrize("form", [base64.b64encode, base64.urlsafe_b64encode, bytes.hex])
def test_keys_are_read_as_base64_or_hex(tmp_path, form):
    """Every usual spelling is the same key; the first one encrypts."""
    material = bytes(range(224, 256))
    text = form(material)
    text = text.decode() if isinstance(text, bytes) else text
    keyring = loaded(tmp_path, kek=f"{text}, {base64.b64encode(OLD.material).decode()}")
    assert keyring.ids == (Key(material).id, OLD.id)
    assert not (tmp_path / "kek").exists()


@pytest.mark.parametrize("text", ["short", "!" * 44, "é" * 32, ",", base64.b64encode(b"x" * 31).decode()])
def test_a_bad_key_is_refused_without_being_repeated(tmp_path, text):
    """The error says which setting and which number, not the text."""
    with pytest.raises(ConfigError, match="GATEWRIGHT_KEK") as caught:
        loaded(tmp_path, kek=text)
    assert len(text) < 3 or text not in str(caught.value)


def test_the_first_start_makes_a_key_file_for_the_owner_alone(tmp_path, caplog):
    """Mode 0600, named in a warning, read again at the next start, different in another folder."""
    with caplog.at_level(logging.WARNING):
        made = loaded(tmp_path / "a")
    path = tmp_path / "a" / "kek"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(path) in caplog.text
    assert path.read_text().strip() not in caplog.text
    assert loaded(tmp_path / "a").ids == made.ids != loaded(tmp_path / "b").ids
    assert [one.name for one in path.parent.iterdir()] == ["kek"]


def test_a_named_key_file_is_never_made(tmp_path):
    """A misspelt path must not lead to a second key."""
    with pytest.raises(ConfigError, match="does not exist"):
        loaded(tmp_path, kek_file=str(tmp_path / "typo"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"# only a comment\n", b"\xff\xfe", b"nonsense\n"])
def test_a_broken_key_file_is_refused_by_name(tmp_path, content):
    """The error names the file and holds nothing of its content."""
    (tmp_path / "kek").write_bytes(content)
    with pytest.raises(ConfigError, match=str(tmp_path / "kek")) as caught:
        loaded(tmp_path)
    assert "nonsense" not in str(caught.value)


def test_a_key_file_open_to_everybody_is_warned_about(tmp_path, caplog):
    """It works, and the log says what to do."""
    loaded(tmp_path)
    (tmp_path / "kek").chmod(0o644)
    loaded(tmp_path)
    assert "chmod 600" in caplog.text


@pytest.mark.slow
def test_processes_that_start_together_share_one_key(tmp_path):
    """Whoever makes the file first, all have its key."""
    code = (
        "import sys; from pathlib import Path\n"
        "from gatewright.control.keyring import Keyring; from gatewright.settings import Settings\n"
        "sys.stdin.read(1); print(Keyring.load(Settings(data_dir=Path(sys.argv[1]))).ids)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "data")]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(6)
    ]
    outputs = [process.communicate("x")[0] for process in running]
    assert len(set(outputs)) == 1
    assert len(outputs[0]) > 16


def test_a_rotation_reaches_a_vault_that_is_running(tmp_path):
    """It opens what was re-wrapped under the new key, and seals with the new key from then on."""
    running = Vault(loaded(tmp_path))
    sealed = running.seal("s-1", "n", {"api_key": "k"})
    keyring = loaded(tmp_path)
    old_id, new = keyring.primary.id, rotate(keyring)
    rewrapped = Vault(keyring).rewrap("s-1", "n", sealed)
    assert keyring.ids == (new.id, old_id)
    assert running.open("s-1", "n", rewrapped) == {"api_key": "k"}
    assert running.open("s-1", "n", sealed) == {"api_key": "k"}
    assert running.seal("s-2", "m", {}).kek_id == new.id
    assert stat.S_IMODE((tmp_path / "kek").stat().st_mode) == 0o600


def test_a_running_vault_seals_with_the_new_key_at_once(tmp_path):
    """After a rotation nothing is sealed under the old key, even when nothing was opened in between."""
    running, keyring = Vault(loaded(tmp_path)), loaded(tmp_path)
    new = rotate(keyring)
    assert running.seal("s-1", "n", {}).kek_id == new.id


def test_two_rotations_at_once_lose_no_key(tmp_path):
    """The second is refused while the first is under way, and takes the first one's key along after it."""
    first, second = loaded(tmp_path), loaded(tmp_path)
    with first.rotation() as rotation:
        with pytest.raises(ConfigError, match=r"Another rotation of .*kek is under way"):
            rotate(second)
        assert second.ids == first.ids[1:]
    newest = rotate(second)
    assert loaded(tmp_path).ids == (newest.id, rotation.key.id, *first.ids[1:])


def test_rotations_that_race_lose_no_key(tmp_path):
    """Each either takes the others' keys along or is refused."""
    first = loaded(tmp_path).primary
    rings = [loaded(tmp_path) for _ in range(8)]

    def race(ring):
        with contextlib.suppress(ConfigError):
            return rotate(ring).id

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(race, rings)) - {None}
    assert made
    assert set(loaded(tmp_path).ids) == {first.id} | made


def test_a_retired_key_is_gone(tmp_path):
    """What it still wraps cannot be opened, by any process."""
    running = Vault(loaded(tmp_path))
    sealed = running.seal("s-1", "n", {"api_key": "k"})
    keyring = loaded(tmp_path)
    with keyring.rotation() as rotation:
        assert rotation.retire() == 1
    assert len(keyring.ids) == 1
    with pytest.raises(ConfigError, match="not among"):
        Vault(loaded(tmp_path)).open("s-1", "n", sealed)


def test_a_retired_key_still_opens_what_a_running_process_read_before(tmp_path):
    """A server reads its secrets while a rotation ends, and another of its threads has seen the new file already."""
    running = Vault(loaded(tmp_path))
    sealed = running.seal("s-1", "n", {"api_key": "k"})
    keyring = loaded(tmp_path)
    with keyring.rotation() as rotation:
        rotation.retire()
    assert running.seal("s-2", "m", {}).kek_id == keyring.primary.id
    assert running.open("s-1", "n", sealed) == {"api_key": "k"}
    assert running.keyring.ids == keyring.ids


def test_a_rotation_removes_what_a_killed_one_left(tmp_path):
    """A half-done file holds keys, which would outlive their retirement."""
    keyring = loaded(tmp_path)
    (tmp_path / ".kek-abc123.tmp").write_text("keys")
    (tmp_path / "other").write_text("stays")
    rotate(keyring)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kek", "other"]


def test_keys_from_the_environment_are_rotated_by_the_operator(tmp_path):
    """The error says how."""
    keyring = loaded(tmp_path, kek=OLD.material.hex())
    with pytest.raises(ConfigError, match=r"GATEWRIGHT_KEK.*restart"):
        rotate(keyring)


def test_a_broken_change_of_the_file_leaves_the_keys_in_memory(tmp_path):
    """A half-written key file is an error where it is needed, and the old keys still open."""
    running = Vault(loaded(tmp_path))
    sealed = running.seal("s-1", "n", {"api_key": "k"})
    (tmp_path / "kek").write_text("half a ke")
    with pytest.raises(ConfigError, match="number 1"):
        running.seal("s-2", "m", {})
    assert running.open("s-1", "n", sealed) == {"api_key": "k"}
