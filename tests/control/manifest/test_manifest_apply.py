"""A file becomes secrets, model definitions and endpoints: all of it, or nothing."""

import pytest

from gatewright.control.crypto import Vault
from gatewright.control.keyring import Key, Keyring
from gatewright.control.manifest.changes import Action
from gatewright.control.manifest.file import apply
from gatewright.control.store import endpoints, mappings, model_definitions, secrets
from gatewright.entities import FallbackConfig, GatewayEndpointModelConfig, GatewayModelLinkageType, RoutingStrategy
from gatewright.errors import ConfigError

CANARY = "sk-canary-4f9a7c"
TEXT = """\
secrets:
  openai:
    provider: openai
    secret_value: {api_key: {env: OPENAI_API_KEY}}
model_definitions:
  gpt: {secret: openai, model_name: gpt-4o}
  local:
    provider: ollama
    model_name: llama3.2
    secret: {auth_config: {api_base: "http://127.0.0.1:11434/v1"}}
endpoints:
  chat:
    models: [{model: gpt, weight: 0.1}, {model: local, weight: 10}]
    fallbacks: [local, gpt]
    max_attempts: 1
    tags: {team: search}
"""


@pytest.fixture
def vault():
    """A vault with one key in memory."""
    return Vault(Keyring([Key(b"k" * 32)]))


@pytest.fixture
def run(database, vault, tmp_path):
    """Applies a text; the environment has one variable unless another is given."""

    def apply_text(text=TEXT, environment=None, **options):
        path = tmp_path / "gateway.yaml"
        path.write_text(text)
        variables = {"OPENAI_API_KEY": CANARY} if environment is None else environment
        return apply(database, vault, path, allow_private=True, variable=variables.get, **options)

    return apply_text


def actions(changes):
    return {f"{one.kind} {one.name}": one.action for one in changes}


def test_a_first_apply_makes_everything_the_file_names(run, database, vault):
    """Values, settings, split, fallback order and tags are stored as the file says."""
    assert set(actions(run()).values()) == {Action.CREATED}
    with database.read() as tx:
        revealed = {one.secret_name: one for one in secrets.reveal_all(tx, vault).values()}
        chat = endpoints.get(tx, name="chat")
    assert revealed["openai"].values == {"api_key": CANARY}
    assert revealed["local"].auth_config == {"api_base": "http://127.0.0.1:11434/v1"}
    assert [(m.model_definition.name, m.linkage_type, m.fallback_order) for m in chat.model_mappings] == [
        ("gpt", "PRIMARY", None),
        ("local", "PRIMARY", None),
        ("local", "FALLBACK", 1),
        ("gpt", "FALLBACK", 2),
    ]
    assert [m.weight for m in chat.model_mappings[:2]] == pytest.approx([0.1, 10])
    assert chat.routing_strategy is RoutingStrategy.REQUEST_BASED_TRAFFIC_SPLIT
    assert chat.fallback_config.max_attempts == 1
    assert [(tag.key, tag.value) for tag in chat.tags] == [("team", "search")]


def test_a_second_apply_changes_nothing_and_keeps_the_revision(run, database):
    """Applying the same file again is free."""
    run()
    before = database.revision()
    assert set(actions(run()).values()) == {Action.UNCHANGED}
    assert database.revision() == before


def test_a_dry_run_tells_what_an_apply_would_do_and_writes_nothing(run, database):
    """The plan is the real thing, taken back."""
    before = database.revision()
    planned = run(dry_run=True)
    assert database.revision() == before
    with database.read() as tx:
        assert secrets.list_all(tx) == []
    assert planned == run()


def test_a_new_secret_value_is_found_and_never_told(run, database, vault):
    """A rotated credential is an update of its secret alone, and no value is in what is told."""
    run()
    changes = run(environment={"OPENAI_API_KEY": "sk-second-canary"})
    assert [name for name, action in actions(changes).items() if action is Action.UPDATED] == ["secret openai"]
    assert "canary" not in repr(changes)
    with database.read() as tx:
        values = {one.secret_name: one.values for one in secrets.reveal_all(tx, vault).values()}
    assert values["openai"] == {"api_key": "sk-second-canary"}


@pytest.mark.parametrize(
    ("old", "new", "object_name", "fields"),
    [
        ("weight: 10", "weight: 30", "endpoint chat", ["models"]),
        ("[local, gpt]", "[gpt, local]", "endpoint chat", ["fallbacks"]),
        ("max_attempts: 1", "max_attempts: 2", "endpoint chat", ["max_attempts"]),
        ("{team: search}", "{team: ads, x: ''}", "endpoint chat", ["tags.team", "tags.x"]),
        ("    tags: {team: search}\n", "", "endpoint chat", ["tags.team"]),
        ("    tags:", "    usage_tracking: false\n    tags:", "endpoint chat", ["usage_tracking"]),
        ("gpt-4o", "gpt-5", "model definition gpt", ["model_name"]),
        ("secret: openai", "secret: local, provider: openai", "model definition gpt", ["secret"]),
        (":11434/v1", ":1/v1", "secret local", ["auth_config.api_base"]),
    ],
)
def test_a_changed_line_changes_its_object_and_nothing_else(run, old, new, object_name, fields):
    """Each field is compared, changed, and equal afterwards."""
    run()
    text = TEXT.replace(old, new)
    assert text != TEXT
    changes = run(text)
    updated = [one for one in changes if one.action is Action.UPDATED]
    assert [f"{one.kind} {one.name}" for one in updated] == [object_name]
    assert sorted(one.field for one in updated[0].differences) == fields
    assert set(actions(run(text)).values()) == {Action.UNCHANGED}


def test_settings_that_leave_the_file_are_cleared(run, database):
    """The file is the whole truth about a secret's settings."""
    text = TEXT.replace("provider: openai\n", "provider: openai\n    auth_config: {organization: org-1}\n")
    run(text)
    run()
    with database.read() as tx:
        assert secrets.get(tx, secret_name="openai").auth_config is None


def test_a_secret_without_a_value_keeps_the_one_it_has(run, database, vault):
    """What an operator set by another way stays."""
    run()
    run(TEXT.replace("    secret_value: {api_key: {env: OPENAI_API_KEY}}\n", ""))
    with database.read() as tx:
        values = {one.secret_name: one.values for one in secrets.reveal_all(tx, vault).values()}
    assert values["openai"] == {"api_key": CANARY}


def test_a_secret_that_cannot_be_opened_is_set_anew(run, database, vault, tmp_path):
    """After a lost key, applying the file repairs the gateway."""
    run()
    other = Vault(Keyring([Key(b"o" * 32)]))
    changes = apply(
        database, other, tmp_path / "gateway.yaml", allow_private=True, variable={"OPENAI_API_KEY": CANARY}.get
    )
    assert actions(changes)["secret openai"] is Action.UPDATED
    with database.read() as tx:
        opened = {one.secret_name: one.values for one in secrets.reveal_all(tx, other).values()}
    assert opened["openai"] == {"api_key": CANARY}


def test_what_the_file_does_not_name_is_left_alone(run, database, vault):
    """Objects made by another way stay, and may be used by name."""
    with database.write() as tx:
        secret = secrets.create(tx, vault, secret_name="theirs", secret_value={"api_key": "x" * 9}, provider="groq")
        model_definitions.create(
            tx, name="theirs", secret_id=secret.secret_id, provider="groq", model_name="llama-3.1-8b-instant"
        )
    run("endpoints:\n  mine: {models: [theirs]}\n")
    with database.read() as tx:
        assert endpoints.get(tx, name="mine").model_mappings[0].model_definition.secret_name == "theirs"
    assert set(actions(run("endpoints:\n  mine: {models: [theirs]}\n")).values()) == {Action.UNCHANGED}


def test_a_weight_set_over_the_wire_equals_the_same_weight_of_the_file(run, database):
    """0.1 as a 32-bit float is no difference."""
    run()
    with database.write() as tx:
        chat = endpoints.get(tx, name="chat")
        configs = [
            GatewayEndpointModelConfig(
                model_definition_id=one.model_definition_id,
                linkage_type=one.linkage_type,
                weight=0.10000000149011612 if one.weight < 1 else one.weight,
                fallback_order=one.fallback_order,
            )
            for one in chat.model_mappings
        ]
        endpoints.update(
            tx, endpoint_id=chat.endpoint_id, model_configs=configs, fallback_config=FallbackConfig(max_attempts=1)
        )
    assert set(actions(run()).values()) == {Action.UNCHANGED}


def test_attached_fallbacks_without_a_fallback_config_are_no_difference(run, database):
    """They are tried all the same, as the file says."""
    run("model_definitions:\n  a: {provider: x, model_name: m, secret: {auth_config: {k: v}}}\n"
        "endpoints:\n  e: {models: [a]}\n")  # fmt: skip
    with database.write() as tx:
        found = endpoints.get(tx, name="e")
        one = found.model_mappings[0].model_definition_id
        config = GatewayEndpointModelConfig(
            model_definition_id=one, linkage_type=GatewayModelLinkageType.FALLBACK, fallback_order=1
        )
        mappings.attach(tx, endpoint_id=found.endpoint_id, model_config=config)
    [change] = run("endpoints:\n  e: {models: [a], fallbacks: [a]}\n")
    assert change.action is Action.UNCHANGED


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TEXT.replace("models: [{model: gpt", "models: [{model: gtp"), ":13: there is no model definition 'gtp'"),
        (TEXT.replace("  chat:", "  cha t:"), ":12: Invalid endpoint name 'cha t'."),
        (TEXT.replace("http://127.0.0.1:11434/v1", "ftp://x/"), ":10: Invalid api_base: scheme 'ftp'"),
    ],
)
def test_one_problem_anywhere_leaves_everything_as_it_was(run, database, text, told):
    """Nothing is half-written, and the message has the line."""
    before = database.revision()
    with pytest.raises(ConfigError, match=r"gateway\.yaml:") as caught:
        run(text)
    assert told in caught.value.public
    assert database.revision() == before
    with database.read() as tx:
        assert secrets.list_all(tx) == []


def test_a_secrets_provider_cannot_be_changed(run):
    """The store has no such change, so the file is refused with the way out."""
    run()
    with pytest.raises(ConfigError, match=r":2: secret 'openai' is stored for provider 'openai'"):
        run(TEXT.replace("provider: openai\n", "provider: groq\n", 1))
