"""Joining providers with secrets."""

from pathlib import Path

import pytest

from fixtures.recorded import exchanges
from gatewright.errors import ClientError, ConfigError
from gatewright.gateway.conversations import EMBEDDINGS, RERANKS, WIRES, serves
from gatewright.gateway.operations import OPERATIONS
from gatewright.gateway.understand import Asked
from gatewright.providers import registry
from gatewright.providers.base import Provider
from gatewright.providers.compatible import ROWS
from gatewright.providers.fields import modes, of_row
from gatewright.snapshot.address import parse_base

NAMES = [name for name in registry.names() if name != registry.COMPATIBLE]
BODIES = (
    Asked(params={"endpoint": "e", "path": "p"}, body=b'{"model":"e","messages":[{}]}'),
    Asked(
        params={},
        body=b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\ne\r\n--b--',
        headers=((b"content-type", b"multipart/form-data; boundary=b"),),
    ),
)


def asked_for(operation):
    """What a surface asks a provider for; all but forms take JSON."""
    try:
        return operation.parse(BODIES[0]).operation
    except ClientError:
        return operation.parse(BODIES[1]).operation


APIS = {wire.operation: family[0].operation for family in (EMBEDDINGS, RERANKS) for wire in family} | {"cohere": "chat"}
"""What the recordings call an operation, where it is another name."""
ASKED = {asked_for(one) for one in OPERATIONS if one.parse}
PLACES = {
    "api_base": "https://own.example.com",
    "account_id": "0a1b",
    "aws_region_name": "us-east-1",
    "aws_role_name": "arn:aws:iam::1:role/r",
    "client_id": "c",
    "vertex_project": "p",
    "vertex_location": "us-central1",
}
"""A value for each field of `auth_config` that some provider cannot do without."""
CLOUD = {"AWS_REGION": "us-east-1", "GOOGLE_CLOUD_PROJECT": "p"}
"""The same, as the environment gives it."""
SECRETS = {
    "api_key": "sk-test",
    "aws_access_key_id": "AKID",
    "aws_secret_access_key": "secret",
    "client_secret": "secret",
    "vertex_credentials": '{"type": "service_account", "client_email": "a@b", "private_key": "pem"}',
}


def row_of(name):
    row = registry.find(name)
    assert row is not None
    return row


FORMS = [pytest.param(name, form, id=f"{name}-{form.mode}") for name in NAMES for form in modes(name)]


def places(form):
    """The least `auth_config` of a provider, by its form."""
    asked = {field.name: PLACES[field.name] for field in form.fields if field.required and not field.secret}
    return asked | {"auth_mode": form.mode}


def secrets(form):
    """The least `secret_value`."""
    return {field.name: SECRETS[field.name] for field in form.fields if field.secret and field.name in SECRETS}


def joined(name, form=None, model="m"):
    form = form or modes(name)[0]
    private = not row_of(name).key
    return registry.connect(name, model, secrets(form), places(form), allow_private=private, cloud=CLOUD)


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_every_provider_connects_with_what_its_form_asks_for(name, form):
    """The address is a valid one, every path is under it, and there is a credential: a header or an identity."""
    found, row = joined(name, form), row_of(name)
    written = places(form).get("api_base") or row.base.format_map(PLACES)
    assert found.address == parse_base(written, allow_private=not row.key)
    if form.mode in row.identities:
        assert found.headers == ()
        assert found.identity is not None
    else:
        assert found.headers == ((row.credential[0], row.credential[1].replace("{key}", "sk-test").encode()),)
        assert found.identity is None
    assert found.ways
    assert all(way.path.startswith(found.address.path.encode()) for way in found.ways.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_provider_can_be_called_in_every_mode_it_has_a_form_for(name):
    """And in no other; the usual one comes first."""
    assert tuple(form.mode for form in modes(name)) == row_of(name).modes


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_the_form_asks_for_all_that_is_needed_and_no_more(name, form):
    """Each required field is missed by its name when it is not given."""
    row = row_of(name)
    needed = {field.name for field in form.fields if field.required}
    assert form.mode in row.identities or ("api_key" in needed) == row.key
    given = {
        field.name: PLACES[field.name] for field in form.fields if field.name in PLACES and field.name != "api_base"
    }
    for missing in needed:
        values = {name: value for name, value in secrets(form).items() if name != missing}
        config = {name: value for name, value in (given | places(form)).items() if name != missing}
        with pytest.raises(ConfigError, match=f"'{missing}' in "):
            registry.connect(name, "m", values, config, allow_private=not row.key)


@pytest.mark.parametrize("name", NAMES)
def test_every_operation_of_a_provider_can_be_asked_for(name):
    """No way stands for an operation that no client surface has, and that nothing is translated to."""
    served = {operation for model in row_of(name).samples for operation in joined(name, model=model).ways}
    assert served <= ASKED | set(WIRES)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("openai", b"authorization"),
        ("anthropic", b"x-api-key"),
        ("gemini", b"x-goog-api-key"),
        ("azure", b"api-key"),
    ],
)
def test_a_key_goes_where_the_provider_looks_for_it(name, header):
    """Bearer for most; Anthropic, Google and Azure have headers of their own."""
    assert joined(name).headers[0][0] == header


@pytest.mark.parametrize("name", NAMES)
def test_only_model_servers_of_ones_own_are_called_in_the_clear(name):
    """No hosted provider is called without TLS."""
    assert (joined(name).address.scheme == "https") == row_of(name).key


def test_rows_are_sorted_and_named_once():
    """A reader finds a row; none hides another."""
    for rows in (ROWS[:3], [row for row in ROWS[3:] if row.key], [row for row in ROWS if not row.key]):
        assert [row.name for row in rows] == sorted(row.name for row in rows)
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_an_own_address_wins_over_the_providers():
    """`api_base` in auth_config, with its path."""
    found = registry.connect("openai", "m", {"api_key": "k"}, {"api_base": "https://proxy.example.com/openai/v1/"})
    assert found.address.host == "proxy.example.com"
    assert found.ways["embeddings"].path == b"/openai/v1/embeddings"


def test_an_unknown_provider_with_an_address_is_openai_compatible():
    """Anything else that speaks OpenAI's dialect needs no row."""
    found = registry.connect("my-own", "m", {}, {"api_base": "https://llm.example.com/v1"})
    assert found.ways["chat"].path == b"/v1/chat/completions"
    assert found.headers == ()


def test_a_new_compatible_provider_is_one_row():
    """Its operations, credential and form follow from its row; nothing else has to know it."""
    row = Provider(name="new", title="New AI", base="https://api.new.example/v1")
    access = row.connect("m", {"api_key": "k"}, {}, allow_private=False)
    assert {name: way.path for name, way in access.ways.items()} == {
        "chat": b"/v1/chat/completions",
        "embeddings": b"/v1/embeddings",
    }
    assert access.headers == ((b"authorization", b"Bearer k"),)
    assert all(serves(access, one) for one in ("chat", "responses", "messages", "generate_content", "embeddings"))
    (mode,) = of_row(row)
    assert [(field.name, field.required) for field in mode.fields] == [("api_key", True), ("api_base", False)]
    assert mode.fields[0].description == "API key of New AI"


@pytest.mark.parametrize("row", [row for row in ROWS if row.base and "{" not in row.base], ids=lambda row: row.name)
def test_nothing_but_its_row_names_a_provider_that_takes_a_key(row):
    """Its name stands in no other file of the providers, and its form is the one that follows from the row."""
    assert modes(row.name) == of_row(row)
    package = Path(registry.__file__).parent
    assert {path.name for path in package.glob("*.py") if f'"{row.name}"' in path.read_text()} == {"compatible.py"}


@pytest.mark.parametrize("name", ["jina_ai", "voyage"])
def test_a_provider_of_embeddings_serves_nothing_else(name):
    """Chat is not translated to it."""
    access = joined(name)
    assert serves(access, "embeddings")
    assert not any(serves(access, one) for one in ("chat", "messages", "completions"))


@pytest.mark.parametrize(
    ("name", "config", "operation", "exchange"),
    [
        pytest.param(name, config, operation, *param.values, id=param.id, marks=param.marks)
        for name, config, operation in (
            ("cloudflare", {"account_id": "account-REDACTED"}, "chat"),
            ("cohere", {}, "cohere"),
            ("crusoe", {}, "chat"),
            ("databricks", {"api_base": "https://adb-0000000000000000.0.azuredatabricks.net"}, "chat"),
            ("mistral", {}, "mistral_embeddings"),
            ("perplexity", {}, "perplexity_embeddings"),
            ("voyage", {}, "voyage_embeddings"),
            ("voyage", {}, "voyage_rerank"),
            ("cohere", {}, "cohere_embed"),
            ("cohere", {}, "rerank"),
        )
        for param in exchanges(api=APIS.get(operation, operation), providers=[name])
    ],
)
def test_recorded_calls_went_to_the_address_we_call(name, config, operation, exchange):
    """Host and path."""
    found = registry.connect(name, "m", {"api_key": "k"}, config)
    assert f"https://{found.address.authority}{found.ways[operation].path.decode()}" == exchange.url


@pytest.mark.parametrize("end", ["", "/", "/serving-endpoints", "/serving-endpoints/"])
def test_a_databricks_workspace_may_be_given_with_or_without_the_path_of_its_endpoints(end):
    """As MLflow takes both."""
    found = registry.connect("databricks", "m", {"api_key": "dapi"}, {"api_base": f"https://adb-1.example.net{end}"})
    assert found.ways["chat"].path == b"/serving-endpoints/chat/completions"


def test_the_account_of_cloudflare_is_part_of_the_path_and_cannot_lead_out_of_it():
    """An address given as a whole needs no account."""
    found = registry.connect("cloudflare", "m", {"api_key": "k"}, {"account_id": " 0a/../b "})
    assert found.ways["chat"].path == b"/client/v4/accounts/0a%2F..%2Fb/ai/v1/chat/completions"
    whole = {"api_base": "https://gateway.ai.example.com/v1/0a/main/workers-ai/v1"}
    found = registry.connect("cloudflare", "m", {"api_key": "k"}, whole)
    assert found.ways["chat"].path == b"/v1/0a/main/workers-ai/v1/chat/completions"


@pytest.mark.parametrize(
    ("provider", "values", "config", "said"),
    [
        ("my-own", {}, {}, "'my-own' is not supported; for a server that speaks OpenAI's API"),
        ("openai-compatible", {}, {}, "set 'api_base'"),
        ("openai", {"api_key": "canary\r\nx: y"}, {}, "cannot be sent in a header"),
        ("openai", {"api_key": "canary\u20ac"}, {}, "cannot be sent in a header"),
        ("openai", {"api_key": "k"}, {"api_base": "http://127.0.0.1/v1"}, "scheme 'http' is not allowed"),
        ("ollama", {}, {}, "scheme 'http' is not allowed"),
        ("cloudflare", {"api_key": "k"}, {"account_id": ".."}, "must not hold '.' or '..' segments"),
        ("openai", {"api_key": "k"}, {"auth_mode": "x"}, "cannot be called with auth_mode 'x'; use 'api_key'"),
        (
            "databricks",
            {"client_secret": "canary"},
            {"auth_mode": "oauth", "api_base": "https://h.example.com", "client_id": "c"},
            "cannot be called with auth_mode 'oauth'; use 'pat_token' or 'oauth_m2m'",
        ),
    ],
)
def test_what_cannot_be_called_says_what_to_change(provider, values, config, said):
    """A ConfigError that never repeats the key."""
    with pytest.raises(ConfigError) as caught:
        registry.connect(provider, "m", values, config)
    assert said in caught.value.public
    assert "canary" not in caught.value.public


@pytest.mark.parametrize("model", [".", ".."])
def test_a_model_that_would_lead_out_of_its_place_is_refused(model):
    """Where the path names it; in a body it leads nowhere."""
    with pytest.raises(ConfigError, match="means another folder"):
        registry.connect("gemini", model, {"api_key": "k"}, {})
    assert registry.connect("openai", model, {"api_key": "k"}, {}).ways
