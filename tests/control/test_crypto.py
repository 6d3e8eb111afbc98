"""Envelope encryption: what opens, and what does not."""

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as property_settings
from hypothesis import strategies as st

from gatewright.control.crypto import Sealed, Vault
from gatewright.control.keyring import Key, Keyring
from gatewright.errors import ConfigError
from gatewright.settings import Settings

OLD, NEW = Key(b"o" * 32), Key(b"n" * 32)
VAULT = Vault(Keyring([OLD]))
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(row_id=TEXT, name=TEXT, values=st.dictionaries(TEXT, TEXT))
def test_what_is_sealed_opens_for_the_same_row(row_id, name, values):
    """Any values come back as they were."""
    assert VAULT.open(row_id, name, VAULT.seal(row_id, name, values)) == values


@property_settings(max_examples=200)
@given(data=st.data())
def test_no_byte_can_be_changed(data):
    """A flipped bit anywhere in the ciphertext or the wrapped key is refused."""
    sealed = VAULT.seal("s-1", "name", {"api_key": "sk-canary"})
    field = data.draw(st.sampled_from(["ciphertext", "wrapped_key"]))
    blob = bytearray(getattr(sealed, field))
    blob[data.draw(st.integers(0, len(blob) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ConfigError, match="altered"):
        VAULT.open("s-1", "name", replace(sealed, **{field: bytes(blob)}))


@given(cut=st.integers(0, 60))
def test_a_truncated_blob_is_refused_clearly(cut):
    """Too few bytes are an altered row, never another kind of error."""
    sealed = VAULT.seal("s-1", "name", {"api_key": "k"})
    with pytest.raises(ConfigError, match="altered"):
        VAULT.open("s-1", "name", replace(sealed, wrapped_key=sealed.wrapped_key[: min(cut, 59)]))
    with pytest.raises(ConfigError, match="altered"):
        VAULT.open("s-1", "name", replace(sealed, ciphertext=sealed.ciphertext[:cut][:-1]))


@pytest.mark.parametrize(("row_id", "name"), [("s-2", "name"), ("s-1", "other"), ("s-1|name", "")])
def test_a_row_copied_to_another_one_does_not_open(row_id, name):
    """The ciphertext is bound to id and name."""
    sealed = VAULT.seal("s-1", "name", {"api_key": "k"})
    with pytest.raises(ConfigError, match="altered"):
        VAULT.open(row_id, name, sealed)


def test_neither_half_of_a_row_can_be_swapped_alone():
    """A ciphertext or a wrapped key of another row, put in by itself, is refused."""
    one, two = (VAULT.seal(row, row, {"api_key": row}) for row in ("s-1", "s-2"))
    for mixed in (replace(one, ciphertext=two.ciphertext), replace(one, wrapped_key=two.wrapped_key)):
        with pytest.raises(ConfigError, match="altered"):
            VAULT.open("s-1", "s-1", mixed)


def test_a_wrapped_key_is_bound_to_the_id_of_its_key():
    """The stored key id cannot be changed to another key's."""
    vault = Vault(Keyring([OLD, NEW]))
    with pytest.raises(ConfigError, match="altered"):
        vault.open("s-1", "n", replace(vault.seal("s-1", "n", {"a": "b"}), kek_id=NEW.id))


def test_the_same_values_never_look_the_same():
    """Data keys and nonces are fresh for every seal."""
    seals = [VAULT.seal("s-1", "n", {"api_key": "sk-canary"}) for _ in range(50)]
    assert len({one.ciphertext for one in seals}) == len({one.wrapped_key for one in seals}) == 50
    assert not any(b"canary" in one.ciphertext + one.wrapped_key for one in seals)


def test_an_unknown_key_is_named_but_nothing_else():
    """The message names the secret and the key id, and says what to do."""
    sealed = Vault(Keyring([NEW])).seal("s-1", "billing", {"api_key": "sk-canary"})
    with pytest.raises(ConfigError, match=f"'billing' is encrypted under key {NEW.id}.*{OLD.id}") as caught:
        VAULT.open("s-1", "billing", sealed)
    assert "canary" not in str(caught.value)


def test_rewrap_keeps_the_ciphertext_and_changes_the_key():
    """Only the data key's wrapping is new."""
    sealed = VAULT.seal("s-1", "n", {"api_key": "k"})
    vault = Vault(Keyring([NEW, OLD]))
    again = vault.rewrap("s-1", "n", sealed)
    assert again.ciphertext == sealed.ciphertext
    assert again.kek_id == NEW.id
    assert Vault(Keyring([NEW])).open("s-1", "n", again) == {"api_key": "k"}


def test_nothing_shows_a_key():
    """A keyring, a key or a vault can be printed without telling the key."""
    shown = repr([OLD, Keyring([OLD]), VAULT, Sealed(b"", b"", OLD.id)])
    assert "oooo" not in shown
    assert OLD.id not in base64.b16encode(OLD.material).decode().lower()


FILE = Path("/data/snapshot")


@given(binding=TEXT, content=st.binary())
def test_a_sealed_file_opens_for_the_same_binding(binding, content):
    """Any bytes come back as they were, and do not show in the file."""
    sealed = VAULT.seal_file(binding, content)
    assert VAULT.open_file(binding, sealed, FILE) == content
    assert len(content) < 8 or content not in sealed


@property_settings(max_examples=200)
@given(data=st.data())
def test_a_file_with_a_byte_changed_or_cut_off_is_refused(data):
    """Wherever it is; the file is named, and what to do."""
    sealed = bytearray(VAULT.seal_file("form 1", b"content"))
    if data.draw(st.booleans()):
        sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del sealed[data.draw(st.integers(0, len(sealed) - 1)) :]
    with pytest.raises(ConfigError, match=r"^The file /data/snapshot .*delete the file\.$|Delete the file\.$"):
        VAULT.open_file("form 1", bytes(sealed), FILE)


def test_a_file_opens_for_no_other_binding_and_under_no_other_key():
    """Nor is a secret's row a file."""
    sealed = VAULT.seal_file("form 1", b"content")
    with pytest.raises(ConfigError, match="altered"):
        VAULT.open_file("form 2", sealed, FILE)
    with pytest.raises(ConfigError, match=f"key {OLD.id}, which is not among .*{NEW.id}"):
        Vault(Keyring([NEW])).open_file("form 1", sealed, FILE)
    row = VAULT.seal("s-1", "form 1", {})
    with pytest.raises(ConfigError, match="altered"):
        VAULT.open_file("form 1", row.kek_id.encode() + row.wrapped_key + row.ciphertext, FILE)


def test_a_file_is_sealed_under_the_key_of_the_last_rotation(tmp_path):
    """Also by a vault that was made before it."""
    (tmp_path / "kek").write_text(OLD.material.hex())
    settings = Settings(data_dir=tmp_path)
    running, keyring = Vault(Keyring.load(settings)), Keyring.load(settings)
    with keyring.rotation() as rotation:
        rotation.retire()
    assert (
        Vault(Keyring([rotation.key])).open_file("form 1", running.seal_file("form 1", b"content"), FILE) == b"content"
    )
