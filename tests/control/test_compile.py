"""Compiling: what is stored becomes what is served, and what cannot be served says why."""

import functools

import pytest
from sqlalchemy import event

from gatewright.control.compile import Compiler
from gatewright.control.crypto import Keyring, Vault
from gatewright.control.store import endpoints, keys, secrets
from gatewright.entities import FallbackConfig
from gatewright.providers import registry
from gatewright.settings import Settings
from gatewright.snapshot.model import ANONYMOUS, key_digest


@pytest.fixture
def compiled(database, vault):
    """Compiles the database as it is now: `compiled()`; keywords are settings."""

    def compiled(**settings):
        connect = functools.partial(registry.connect, allow_private=True)
        return Compiler(database, vault, Settings.load({}, **settings), connect).compile()

    return compiled


def test_an_endpoint_is_ready_to_serve(database, make, compiled):
    """Its target has address, path and credential; the revision is the database's."""
    make.endpoint("ep", make.config(make.definition("m", secret_id=make.secret(value="sk-plain-text").secret_id)))
    snapshot = compiled()
    (target,) = snapshot.endpoints["ep"].primaries
    assert snapshot.revision == database.revision()
    assert (target.address.host, target.paths["chat"]) == ("api.openai.com", b"/v1/chat/completions")
    assert target.headers == ((b"authorization", b"Bearer sk-plain-text"),)
    assert "sk-plain-text" not in repr(snapshot)


def test_weights_are_summed_and_weight_zero_is_left_out(make, compiled):
    """In mapping order."""
    weights = (0.5, 0, 2)
    definitions = [make.definition(f"m{number}") for number in range(3)]
    configs = [make.config(one, weight=weight) for one, weight in zip(definitions, weights, strict=True)]
    make.endpoint("ep", *configs)
    endpoint = compiled().endpoints["ep"]
    assert [target.model_definition for target in endpoint.primaries] == ["m0", "m2"]
    assert endpoint.cumulative == (0.5, 2.5)


def test_fallbacks_are_in_order_and_at_most_max_attempts(database, make, compiled):
    """Sorted by fallback_order; 0 or no max_attempts means all."""
    definitions = [make.definition(f"m{number}") for number in range(4)]
    configs = [make.config(definitions[0])]
    configs += [
        make.config(definitions[number], "FALLBACK", fallback_order=order) for number, order in ((1, 3), (2, 1), (3, 2))
    ]
    endpoint = make.endpoint("ep", *configs)

    def order():
        return [target.model_definition for target in compiled().endpoints["ep"].fallbacks]

    assert order() == ["m2", "m3", "m1"]
    for most, expected in ((2, ["m2", "m3"]), (0, ["m2", "m3", "m1"])):
        with database.write() as tx:
            config = FallbackConfig(max_attempts=most)
            endpoints.update(tx, endpoint_id=endpoint.endpoint_id, fallback_config=config)
        assert order() == expected


def test_a_target_that_cannot_be_called_says_why(database, vault, make, compiled):
    """The endpoint stays, with its problems, each named once; the others are served."""
    bare = make.secret()
    gone = make.secret()
    configs = [
        make.config(make.definition("m", secret_id=bare.secret_id)),
        make.config(make.definition("n", secret_id=gone.secret_id)),
    ]
    make.endpoint("ep", *configs)
    make.endpoint("fine", make.config(make.definition()))
    with database.write() as tx:
        secrets.update(tx, vault, secret_id=bare.secret_id, secret_value={"other": "x-12345678"})
        secrets.delete(tx, secret_id=gone.secret_id)
    snapshot = compiled()
    assert snapshot.endpoints["ep"].primaries == ()
    assert snapshot.endpoints["ep"].problem == (
        "model definition 'm': provider 'openai' needs 'api_key' in secret_value; "
        "model definition 'n': its secret was deleted; give it another one"
    )
    assert len(snapshot.endpoints["fine"].primaries) == 1


def test_a_secret_under_another_key_encryption_key_does_not_stop_the_rest(database, make, compiled, caplog):
    """Its endpoint says so, the log too, and the others serve."""
    foreign = Vault(Keyring.load(Settings.load({"GATEWRIGHT_KEK": "11" * 32})))
    with database.write() as tx:
        lost = secrets.create(tx, foreign, secret_name="foreign", secret_value={"api_key": "sk-12345678"})
    make.endpoint("lost", make.config(make.definition("m", secret_id=lost.secret_id)))
    make.endpoint("fine", make.config(make.definition("n")))
    snapshot = compiled()
    assert snapshot.endpoints["lost"].problem
    assert len(snapshot.endpoints["fine"].primaries) == 1
    assert lost.secret_id in caplog.text


def test_keys_are_compiled_by_hash_with_the_admin_key_from_outside(database, compiled):
    """A revoked key is gone; --no-auth makes everybody the anonymous administrator."""
    with database.write() as tx:
        _, admin = keys.create(tx, name="root", admin=True)
        _, caller = keys.create(tx, name="app", admin=False)
    snapshot = compiled(admin_key="gw-from-the-environment")
    found = {
        name: (snapshot.principals[key_digest(key)].name, snapshot.principals[key_digest(key)].admin)
        for name, key in (("admin", admin), ("caller", caller), ("given", "gw-from-the-environment"))
    }
    assert found == {"admin": ("root", True), "caller": ("app", False), "given": ("GATEWRIGHT_ADMIN_KEY", True)}
    assert snapshot.anonymous is None
    with database.write() as tx:
        keys.revoke(tx, "app")
    assert key_digest(caller) not in compiled().principals
    assert compiled(no_auth=True).anonymous is ANONYMOUS


def test_the_statements_of_a_compilation_do_not_grow_with_the_rows(database, make, compiled):
    """Ten times the endpoints are read with the same number of round trips."""
    config = make.config(make.definition())
    statements = []
    event.listen(database.reading, "before_cursor_execute", lambda *call: statements.append(call[2]))

    def publish(numbers):
        with database.write() as tx:
            for number in numbers:
                endpoints.create(tx, name=f"ep-{number}", model_configs=[config], usage_tracking=False)

    def count():
        statements.clear()
        compiled()
        return len(statements)

    publish(range(20))
    few = count()
    publish(range(20, 200))
    assert count() == few
    assert len(compiled().endpoints) == 200
