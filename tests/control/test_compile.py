"""Compiling: what is stored becomes what is served, and what cannot be served says why."""

import functools

import pytest
from sqlalchemy import event

from gatewright.control.compile import Compiler
from gatewright.control.crypto import Vault
from gatewright.control.keyring import Keyring
from gatewright.control.store import endpoints, keys, secrets, tags
from gatewright.control.store.tables import TagRow
from gatewright.entities import FallbackConfig
from gatewright.providers import registry
from gatewright.settings import Settings
from gatewright.snapshot.model import ANONYMOUS, Policy, key_digest


@pytest.fixture
def compiled(database, vault):
    """Compiles the database as it is now: `compiled()`; keywords are settings."""

    def compiled(**settings):
        connect = functools.partial(registry.connect, allow_private=True)
        compiler = Compiler(database, vault, Settings.load({}, **settings), connect)
        return compiler.admit(compiler.compile())

    return compiled


def test_an_endpoint_is_ready_to_serve(database, make, compiled):
    """Its target has address, path and credential; the revision is the database's."""
    make.endpoint("ep", make.config(make.definition("m", secret_id=make.secret(value="sk-plain-text").secret_id)))
    snapshot = compiled()
    ((target, weight),) = snapshot.endpoints["ep"].primaries
    assert (snapshot.revision, weight) == (database.revision(), 1.0)
    assert (target.access.address.host, target.access.ways["chat"].path) == ("api.openai.com", b"/v1/chat/completions")
    assert target.access.headers == ((b"authorization", b"Bearer sk-plain-text"),)
    assert "sk-plain-text" not in repr(snapshot)


def test_weight_zero_is_left_out(make, compiled):
    """The others keep mapping order and weight; the sum need not be 1."""
    weights = (0.5, 0, 2)
    definitions = [make.definition(model_name=f"m{number}") for number in range(3)]
    configs = [make.config(one, weight=weight) for one, weight in zip(definitions, weights, strict=True)]
    make.endpoint("ep", *configs)
    assert [(target.model, weight) for target, weight in compiled().endpoints["ep"].primaries] == [
        ("m0", 0.5),
        ("m2", 2),
    ]


def test_fallbacks_are_in_order_with_the_number_to_try(database, make, compiled):
    """Sorted by fallback_order; 0 or no max_attempts means all."""
    definitions = [make.definition(model_name=f"m{number}") for number in range(4)]
    configs = [make.config(definitions[0])]
    configs += [
        make.config(definitions[number], "FALLBACK", fallback_order=order) for number, order in ((1, 3), (2, 1), (3, 2))
    ]
    published = make.endpoint("ep", *configs)
    endpoint = compiled().endpoints["ep"]
    assert [target.model for target in endpoint.fallbacks] == ["m2", "m3", "m1"]
    assert endpoint.most_fallbacks is None
    for given, most in ((2, 2), (0, None)):
        with database.write() as tx:
            config = FallbackConfig(max_attempts=given)
            endpoints.update(tx, endpoint_id=published.endpoint_id, fallback_config=config)
        assert compiled().endpoints["ep"].most_fallbacks == most


def test_the_split_and_the_fallbacks_need_no_strategy(make, compiled):
    """Weights and fallbacks that were given count, whether or not a strategy or a fallback config was."""
    configs = [make.config(), make.config(), make.config(None, "FALLBACK", fallback_order=1)]
    make.endpoint("ep", *configs, routing_strategy=None, fallback_config=None)
    endpoint = compiled().endpoints["ep"]
    assert (len(endpoint.primaries), len(endpoint.fallbacks)) == (2, 1)


def test_a_provider_that_cannot_be_joined_does_not_stop_the_rest(database, vault, make, caplog):
    """Whatever goes wrong with one secret becomes the problem of its endpoints; the log has the fault."""
    make.endpoint("odd", make.config(make.definition(provider="odd")))
    make.endpoint("fine", make.config())

    def connect(provider, model, values, config):
        if provider == "odd":
            raise RuntimeError("canary-fault")
        return registry.connect(provider, model, values, config)

    snapshot = Compiler(database, vault, Settings.load({}), connect).compile()
    assert len(snapshot.endpoints["fine"].primaries) == 1
    assert "the server's log says why" in snapshot.endpoints["odd"].problem
    assert "canary-fault" not in snapshot.endpoints["odd"].problem
    assert "canary-fault" in caplog.text


def test_a_models_name_is_shown_as_a_header_can_hold_it(make, compiled):
    """Printable ASCII; the provider gets the name as it is."""
    make.endpoint("ep", make.config(make.definition(model_name="mod\u00e8le \u4e2d")))
    ((target, _),) = compiled().endpoints["ep"].primaries
    assert target.shown == b"openai/mod?le ?"
    assert target.model == "mod\u00e8le \u4e2d"


def test_a_targets_key_is_the_same_until_what_it_calls_changes(database, vault, make, compiled):
    """For every endpoint and in every process; another model, address or secret makes it another target."""
    secret, twin = make.secret(value="canary-secret"), make.secret(value="canary-secret")
    first = make.definition("m", secret_id=secret.secret_id)
    make.endpoint("one", make.config(first))
    make.endpoint("two", make.config(make.definition("n", secret_id=secret.secret_id)))
    make.endpoint("model", make.config(make.definition("o", secret_id=secret.secret_id, model_name="other")))
    make.endpoint("secret", make.config(make.definition("p", secret_id=twin.secret_id)))

    def keys():
        return {name: one.primaries[0][0].key for name, one in compiled().endpoints.items()}

    before = keys()
    assert keys() == before
    assert before["one"] == before["two"]
    assert len({before["one"], before["model"], before["secret"]}) == 3
    for change in ({"secret_value": {"api_key": "canary-other"}}, {"auth_config": {"api_base": "https://h.test/v1"}}):
        with database.write() as tx:
            secrets.update(tx, vault, secret_id=secret.secret_id, **change)
        after = keys()
        assert after["secret"] == before["secret"]
        assert after["one"] == after["two"] != before["one"]
        before = after


def test_the_policy_is_that_of_the_tags(database, make, compiled, caplog):
    """A tag from before it meant something, with a value that it cannot have, is passed over and told."""
    published = make.endpoint("ep", make.config())
    with database.write() as tx:
        tags.put(tx, endpoint_id=published.endpoint_id, key="gatewright.retries", value="2")
        tx.add(TagRow(endpoint_id=published.endpoint_id, key="gatewright.strict", value="perhaps", position=7))
    assert compiled().endpoints["ep"].policy == Policy(retries=2)
    assert "endpoint 'ep' is served without a tag: Invalid value 'perhaps' of tag 'gatewright.strict'" in caplog.text


def test_many_secrets_of_one_provider_share_how_it_is_called(make, compiled):
    """Ten thousand of them would else hold most of a process's memory; another address has ways of its own."""
    bases = ("https://api.openai.com/v1", "https://api.openai.com/v1", "https://eu.example.com/openai/v1")
    found = [make.secret(auth_config={"api_base": base}).secret_id for base in bases]
    for number, secret_id in enumerate(found):
        make.endpoint(f"ep-{number}", make.config(make.definition(secret_id=secret_id)))
    one, two, other = (endpoint.primaries[0][0].access.ways for _, endpoint in sorted(compiled().endpoints.items()))
    assert one is two
    assert one != other


def test_what_no_tag_says_is_as_the_settings_have_it(database, make, compiled):
    """For all endpoints; a tag wins."""
    published = make.endpoint("ep", make.config())
    make.endpoint("plain", make.config())
    with database.write() as tx:
        tags.put(tx, endpoint_id=published.endpoint_id, key="gatewright.retries", value="2")
    snapshot = compiled(usual={"retries": 0, "timeout": 9.0})
    assert snapshot.endpoints["ep"].policy == Policy(retries=2, timeout=9.0)
    assert snapshot.endpoints["plain"].policy == Policy(retries=0, timeout=9.0)


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


def test_whom_the_settings_let_in_is_no_part_of_the_databases_snapshot(database, vault):
    """Only that goes to disk; else a start from there would let in who may no longer come in."""
    with database.write() as tx:
        key = keys.create(tx, name="app")[1]
    connect = functools.partial(registry.connect, allow_private=True)
    before = Compiler(database, vault, Settings.load({}, admin_key="gw-of-the-last-start", no_auth=True), connect)
    of_database = before.compile()
    assert (set(of_database.principals), of_database.anonymous) == ({key_digest(key)}, None)
    after = Compiler(database, vault, Settings.load({}, admin_key="gw-of-this-start-now"), connect)
    admitted = after.admit(of_database)
    assert set(admitted.principals) == {key_digest(key), key_digest("gw-of-this-start-now")}
    assert admitted.anonymous is None
