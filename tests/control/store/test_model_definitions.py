"""Model definitions."""

import pytest

from gatewright.control.store import endpoints, model_definitions
from gatewright.errors import AlreadyExistsError, ClientError, InvalidStateError, NotFoundError


def change(database, made, **fields):
    with database.write() as tx:
        return model_definitions.update(tx, model_definition_id=made.model_definition_id, **fields)


def test_a_definition_comes_back_with_its_secrets_name(database, make):
    """Any text is a name, and the provider need not be the secret's."""
    secret = make.secret("key", provider="anthropic")
    made = make.definition("weird name/☃ ?", secret.secret_id, "no such provider", created_by="alice")
    assert (made.name, made.secret_id, made.secret_name) == ("weird name/☃ ?", secret.secret_id, "key")
    assert made.created_at == made.last_updated_at
    assert (made.created_by, made.last_updated_by) == ("alice", "alice")
    with database.read() as tx:
        assert model_definitions.get(tx, model_definition_id=made.model_definition_id) == made
        assert model_definitions.list_all(tx) == [made]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": ""}, "'name'"),
        ({"model_name": ""}, "'model_name'"),
        ({"provider": ""}, "'provider'"),
        ({"secret_id": ""}, "'secret_id'"),
        ({"name": "n" * 256}, "at most 255"),
        ({"model_name": "n" * 257}, "at most 256"),
        ({"provider": "n" * 65}, "at most 64"),
    ],
)
def test_missing_and_over_long_texts_are_refused(database, make, fields, named):
    """The parameter is named."""
    given = {"name": "d", "secret_id": make.secret().secret_id, "provider": "p", "model_name": "m"} | fields
    with pytest.raises(ClientError, match=named), database.write() as tx:
        model_definitions.create(tx, **given)


def test_the_secret_is_looked_for_before_the_name(database, make):
    """An unknown secret is a 404 even when the name is taken; then the name is a 400."""
    made = make.definition("taken")
    with pytest.raises(NotFoundError, match=r"GatewaySecret not found \(secret_id='s-0'\)"):
        make.definition("taken", "s-0")
    with pytest.raises(AlreadyExistsError, match="'taken'"):
        make.definition("taken", made.secret_id)
    other = make.definition("other")
    with pytest.raises(NotFoundError, match="GatewaySecret"):
        change(database, other, name="taken", secret_id="s-0")
    with pytest.raises(AlreadyExistsError):
        change(database, other, name="taken", secret_id=made.secret_id)
    with database.read() as tx:
        assert model_definitions.get(tx, model_definition_id=other.model_definition_id) == other


def test_an_update_changes_what_is_given(database, make):
    """Empty texts and absent ones change nothing but the time; the last person stays."""
    made = make.definition("d", created_by="alice")
    secret = make.secret("new")
    changed = change(database, made, model_name="m2", provider="azure", secret_id=secret.secret_id, updated_by="bob")
    assert (changed.model_name, changed.provider, changed.secret_name) == ("m2", "azure", "new")
    assert (changed.name, changed.created_by, changed.last_updated_by) == ("d", "alice", "bob")
    again = change(database, made, name="", provider="", model_name="", secret_id="")
    assert (again.name, again.provider, again.model_name, again.last_updated_by) == ("d", "azure", "m2", "bob")
    assert again.last_updated_at >= changed.last_updated_at
    assert change(database, made, name="d").name == "d"


def test_definitions_are_listed_by_provider_and_secret(database, make):
    """Filters must all match; an unknown one matches nothing."""
    one, two = make.secret().secret_id, make.secret().secret_id
    make.definition("a", one, "openai")
    make.definition("b", two, "openai")
    make.definition("c", two, "groq")
    with database.read() as tx:

        def names(**filters):
            return [found.name for found in model_definitions.list_all(tx, **filters)]

        assert names() == names(provider="", secret_id="") == ["a", "b", "c"]
        assert names(provider="openai") == ["a", "b"]
        assert names(secret_id=two) == ["b", "c"]
        assert names(provider="openai", secret_id=two) == ["b"]
        assert names(secret_id="s-0") == []


def test_a_definition_in_use_cannot_be_deleted(database, make):
    """Not even as a fallback; once its endpoint is gone it can."""
    made = make.definition("used")
    endpoint = make.endpoint("e", make.config(), make.config(made, "FALLBACK", fallback_order=0))
    with pytest.raises(InvalidStateError, match=r"'used'.*Detach") as caught, database.write() as tx:
        model_definitions.delete(tx, model_definition_id=made.model_definition_id)
    assert caught.value.status == 409
    with database.write() as tx:
        endpoints.delete(tx, endpoint_id=endpoint.endpoint_id)
        model_definitions.delete(tx, model_definition_id=made.model_definition_id)
    with pytest.raises(NotFoundError, match="GatewayModelDefinition not found"), database.write() as tx:
        model_definitions.delete(tx, model_definition_id=made.model_definition_id)
