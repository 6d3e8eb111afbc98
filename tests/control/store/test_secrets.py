"""Secrets: masked, encrypted, replaced as a whole, and never in plain sight."""

import subprocess
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.engine import make_url

from gatewright.control.crypto import Vault
from gatewright.control.keyring import Key, Keyring
from gatewright.control.store import auth, endpoints, model_definitions, secrets
from gatewright.control.store.tables import SecretRow
from gatewright.errors import AlreadyExistsError, ClientError, NotFoundError

CANARY = "sk-canary-3141592653589793"


def change(database, vault, secret_id, **fields):
    with database.write() as tx:
        return secrets.update(tx, vault, secret_id=secret_id, **fields)


def test_a_secret_comes_back_masked_with_everything_else(database, make, vault):
    """Times are equal at first, who made it also changed it last, the id has its form."""
    made = make.secret("s-full", value=CANARY, provider="anthropic", created_by="alice", auth_config={"version": "1"})
    assert made.masked_values == {"api_key": "sk-...9793"}
    assert made.created_at == made.last_updated_at > 1_600_000_000_000
    assert (made.created_by, made.last_updated_by, made.provider) == ("alice", "alice", "anthropic")
    assert made.secret_id.startswith("s-")
    assert len(made.secret_id) == 34
    with database.read() as tx:
        assert secrets.get(tx, secret_id=made.secret_id) == secrets.get(tx, secret_name="s-full") == made
        revealed = secrets.reveal_all(tx, vault)[made.secret_id]
    assert revealed.values == {"api_key": CANARY}
    assert CANARY not in repr(revealed)


@pytest.mark.parametrize(
    ("value", "shown"), [("1234567", "***"), ("12345678", "123...5678"), ("ключ-ключ-ключ", "клю...ключ"), ("", "***")]
)
def test_values_are_masked_by_characters(value, shown):
    """Fewer than eight characters show nothing."""
    assert secrets.mask(value) == shown


def test_empty_texts_are_unset(make):
    """A blank provider or person is none."""
    made = make.secret(provider="", created_by="")
    assert (made.provider, made.created_by, made.last_updated_by, made.auth_config) == (None, None, None, None)


def test_a_taken_name_is_refused_and_case_matters(make):
    """Names are unique, letter by letter."""
    make.secret("name")
    make.secret("Name")
    with pytest.raises(AlreadyExistsError, match="'name'"):
        make.secret("name")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"secret_name": ""}, "secret_name"),
        ({"secret_value": {}}, "secret_value"),
        ({"secret_value": None}, "secret_value"),
        ({"secret_value": {"api_key": ""}}, "'api_key' is empty"),
        ({"secret_value": {"api_key": " "}}, "'api_key' is empty"),
        ({"secret_value": {"": "k"}}, "secret_value"),
        ({"secret_value": {"api_key": CANARY, "base_url": "http://x"}}, "secret_value must not contain 'base_url'"),
        ({"secret_value": {"api_base": "http://x"}}, "must not contain 'api_base'"),
        ({"secret_value": {"api_key": CANARY + "\0"}}, "NUL"),
        ({"secret_value": {"api_key": CANARY * 5000}}, "at most 65536"),
        ({"auth_config": {"model_list": "a", "base_url": "b"}}, "'base_url', 'model_list'"),
        ({"auth_config": {"api_base": "ftp://h/v1"}}, "scheme"),
        ({"auth_config": {"api_base": "https://127.1/v1"}}, "127.1"),
        ({"auth_config": {"api_base": "https://10.0.0.1/v1"}}, "private"),
        ({"auth_config": {"api_base": "https://u:p4ssw0rd@h/v1"}}, "user name or password"),
        ({"secret_name": "n" * 256}, "at most 255"),
        ({"provider": "p" * 65}, "at most 64"),
        ({"created_by": "p" * 256}, "at most 255"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_name(database, vault, fields, named):
    """The message names the parameter or the rule, and never holds a value."""
    given = {"secret_name": "s", "secret_value": {"api_key": CANARY}} | fields
    with pytest.raises(ClientError, match=named) as caught, database.write() as tx:
        secrets.create(tx, vault, **given)
    assert CANARY not in str(caught.value)
    assert "p4ssw0rd" not in str(caught.value)


def test_an_upstream_without_a_key_needs_settings_only(make, database, vault):
    """A local server has an address and no key."""
    made = make.secret(secret_value=None, auth_config={"api_base": "http://127.0.0.1:11434/v1"}, allow_private=True)
    assert made.masked_values == {}
    with database.read() as tx:
        assert secrets.reveal_all(tx, vault)[made.secret_id].values == {}


def test_the_api_base_is_trimmed_or_dropped(make):
    """Blanks around it go; nothing but blanks is none."""
    assert make.secret(auth_config={"a": "1", "api_base": " https://8.8.8.8/v1 ", "b": "2"}).auth_config == {
        "a": "1",
        "api_base": "https://8.8.8.8/v1",
        "b": "2",
    }
    assert make.secret(auth_config={"api_base": "  "}).auth_config is None


def test_new_values_replace_all_values(database, make, vault):
    """The old keys are gone, the settings stay, the person is noted."""
    made = make.secret(secret_value={"a": "first-value", "b": "other-value"}, auth_config={"region": "x"})
    changed = change(database, vault, made.secret_id, secret_value={"c": CANARY}, updated_by="bob")
    assert changed.masked_values == {"c": "sk-...9793"}
    assert (changed.auth_config, changed.last_updated_by) == ({"region": "x"}, "bob")
    assert changed.last_updated_at >= made.last_updated_at
    with database.read() as tx:
        assert secrets.reveal_all(tx, vault)[made.secret_id].values == {"c": CANARY}


def test_empty_maps_change_nothing(database, make, vault):
    """Only the stamp moves."""
    made = make.secret(auth_config={"region": "x"})
    changed = change(database, vault, made.secret_id, secret_value={}, auth_config={}, updated_by="bob")
    assert (changed.masked_values, changed.auth_config) == (made.masked_values, made.auth_config)
    assert changed.last_updated_by == "bob"


def test_settings_are_replaced_or_cleared(database, make, vault):
    """A map with nothing but a blank address clears them."""
    made = make.secret(auth_config={"region": "x"})
    assert change(database, vault, made.secret_id, auth_config={"org": "y"}).auth_config == {"org": "y"}
    assert change(database, vault, made.secret_id, auth_config={"api_base": " "}).auth_config is None


def test_an_update_without_a_person_clears_the_last_one(database, make, vault):
    """As MLflow does for secrets, and for secrets alone."""
    made = make.secret(created_by="alice")
    assert change(database, vault, made.secret_id, secret_value={"a": "b"}).last_updated_by is None


def test_a_refused_update_leaves_the_values(database, make, vault):
    """A reserved key in the settings does not let half of the change through."""
    made = make.secret(value=CANARY)
    with pytest.raises(ClientError, match="fallbacks"):
        change(database, vault, made.secret_id, secret_value={"api_key": "new"}, auth_config={"fallbacks": "x"})
    with database.read() as tx:
        assert secrets.reveal_all(tx, vault)[made.secret_id].values == {"api_key": CANARY}


def test_an_unknown_secret_is_not_found(database, vault):
    """By every function that names one."""
    with pytest.raises(NotFoundError, match=r"GatewaySecret not found \(secret_id='s-0'\)"):
        change(database, vault, "s-0", secret_value={"a": "b"})
    with pytest.raises(NotFoundError, match="s-0"), database.write() as tx:
        secrets.delete(tx, secret_id="s-0")
    with pytest.raises(NotFoundError, match="nobody"), database.read() as tx:
        secrets.get(tx, secret_name="nobody")


def test_secrets_are_listed_by_provider(database, make):
    """No filter and an empty one list all; an unknown provider has none."""
    make.secret("b", provider="openai")
    make.secret("a", provider="anthropic")
    with database.read() as tx:
        names = {
            provider: [one.secret_name for one in secrets.list_all(tx, provider=provider)]
            for provider in (None, "", "openai", "nobody")
        }
    assert names == {None: ["a", "b"], "": ["a", "b"], "openai": ["b"], "nobody": []}


def test_deleting_a_secret_leaves_its_definitions_without_one(database, make):
    """They stay in their endpoints, and can be given another secret."""
    secret = make.secret()
    definition = make.definition("d", secret.secret_id)
    made = make.endpoint("e", make.config(definition))
    with database.write() as tx:
        secrets.delete(tx, secret_id=secret.secret_id)
    with database.read() as tx:
        orphan = model_definitions.get(tx, model_definition_id=definition.model_definition_id)
        assert (orphan.secret_id, orphan.secret_name) == (None, None)
        assert endpoints.get(tx, endpoint_id=made.endpoint_id).model_mappings[0].model_definition == orphan
    with database.write() as tx:
        fields = {"model_definition_id": definition.model_definition_id, "secret_id": make_other(tx, make)}
        assert model_definitions.update(tx, **fields).secret_name == "other"


def make_other(tx, make):
    made = secrets.create(tx, make.vault, secret_name="other", secret_value={"a": "bcdefgh"})
    return made.secret_id


def test_one_broken_secret_does_not_fail_the_others(database, make, vault):
    """A row copied over another one, and one under a lost key, have a problem each."""
    good, moved, lost = (make.secret(name) for name in ("good", "moved", "lost"))
    with database.write() as tx:
        row = tx.get(SecretRow, good.secret_id)
        stolen = {"ciphertext": row.ciphertext, "wrapped_key": row.wrapped_key}
        tx.execute(update(SecretRow).where(SecretRow.secret_id == moved.secret_id).values(**stolen))
        tx.execute(update(SecretRow).where(SecretRow.secret_id == lost.secret_id).values(kek_id="0" * 16))
    with database.read() as tx:
        revealed = secrets.reveal_all(tx, vault)
    assert revealed[good.secret_id].problem == ""
    assert revealed[good.secret_id].values
    assert "'moved'" in revealed[moved.secret_id].problem
    assert "0" * 16 in revealed[lost.secret_id].problem
    assert revealed[moved.secret_id].values == revealed[lost.secret_id].values == {}


def test_rotation_rewraps_every_secret_it_can_open(database, make, vault):
    """Afterwards the old key is not needed; what was broken stays and is named; the revision moved once."""
    made = [make.secret(f"s{number}", value=CANARY) for number in range(3)]
    with database.write() as tx:
        tx.execute(update(SecretRow).where(SecretRow.secret_name == "s2").values(wrapped_key=b"broken"))
    before, new = database.revision(), Key(b"n" * 32)
    done = secrets.rewrap_all(database, Vault(Keyring([new, vault.keyring.primary])))
    assert (done.count, list(done.problems)) == (2, ["s2"])
    assert database.revision() == before + 1
    with database.read() as tx:
        revealed = secrets.reveal_all(tx, Vault(Keyring([new])))
    assert [revealed[one.secret_id].values.get("api_key") for one in made] == [CANARY, CANARY, None]
    assert secrets.rewrap_all(database, Vault(Keyring([new]))).count == 0


def test_no_value_is_in_the_sqlite_files(sqlite_url, tmp_path, vault):
    """Neither the file nor its log holds a value, plain, replaced or deleted."""
    from gatewright.control.store.database import Database

    database = Database(sqlite_url)
    with database.write() as tx:
        kept = secrets.create(tx, vault, secret_name="kept-name", secret_value={"api_key": CANARY})
        gone = secrets.create(tx, vault, secret_name="gone", secret_value={"api_key": CANARY})
    change(database, vault, kept.secret_id, secret_value={"api_key": CANARY[::-1]})
    with database.write() as tx:
        secrets.delete(tx, secret_id=gone.secret_id)
    folder = Path(make_url(sqlite_url).database).parent
    dump = b"".join(path.read_bytes() for path in folder.iterdir())
    database.close()
    assert b"kept-name" in dump
    assert CANARY.encode() not in dump
    assert CANARY[::-1].encode() not in dump


def test_no_value_is_in_a_dump_of_the_rows(database, make):
    """Every column of every secret, as text."""
    make.secret("kept-name", value=CANARY)
    with database.read() as tx:
        dump = str(tx.execute(select(SecretRow.__table__)).all())
    assert "kept-name" in dump
    assert CANARY not in dump


@pytest.mark.parametrize(
    ("address", "allowed"),
    [("8.8.8.8", True), ("10.1.2.3", False), ("127.0.0.1", False), ("::1", False), ("2001:4860:4860::8888", True)],
)
def test_the_name_of_an_api_base_is_looked_up(address, allowed):
    """One private address is enough to refuse."""
    config = {"api_base": "https://llm.example.com/v1"}
    asked = []

    def resolve(host):
        asked.append(host)
        return ["8.8.8.8", address]

    if allowed:
        auth.refuse_private(config, allow_private=False, resolve=resolve)
    else:
        with pytest.raises(ClientError, match="private address"):
            auth.refuse_private(config, allow_private=False, resolve=resolve)
        auth.refuse_private(config, allow_private=True, resolve=resolve)
    assert asked == ["llm.example.com"]


def test_a_name_that_does_not_resolve_is_refused(monkeypatch):
    """Unknown and slow are the same to the operator."""

    def unknown(_host):
        raise OSError

    with pytest.raises(ClientError, match="cannot be resolved"):
        auth.refuse_private({"api_base": "https://nowhere.example"}, allow_private=False, resolve=unknown)
    monkeypatch.setattr(auth, "DNS_SECONDS", 0.05)
    slow = ["sleep", "0.5"]
    with pytest.raises(ClientError, match="cannot be resolved"):
        auth.refuse_private(
            {"api_base": "https://slow.example"},
            allow_private=False,
            resolve=lambda _: subprocess.run(slow, check=True),
        )


@pytest.mark.parametrize("config", [None, {}, {"region": "x"}, {"api_base": " "}, {"api_base": "https://8.8.8.8"}])
def test_nothing_is_looked_up_without_a_name(config):
    """A literal address was judged already."""
    auth.refuse_private(config, allow_private=False, resolve=pytest.fail)
