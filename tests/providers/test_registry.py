"""Joining providers with secrets."""

import pytest

from gatewright.errors import ConfigError
from gatewright.gateway.operations import OPERATIONS
from gatewright.providers import registry
from gatewright.providers.compatible import ROWS
from gatewright.snapshot.address import parse_base


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_connects_with_a_key(row):
    """Its own address is a valid one, every path is under it, and the key goes into its credential header."""
    found = registry.connect(row.name, {"api_key": "sk-test"}, {}, allow_private=row.base.startswith("http:"))
    assert found.address == parse_base(row.base, allow_private=row.base.startswith("http:"))
    assert found.headers == ((row.credential[0], row.credential[1].replace("{key}", "sk-test").encode()),)
    assert found.paths
    assert all(path.startswith(found.address.path.encode()) for path in found.paths.values())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_operation_of_a_row_can_be_asked_for(row):
    """No path stands for an operation that no client surface has."""
    asked = {"/v1/" + path.removeprefix("/") for path in row.paths.values()}
    known = {one.path.replace("{endpoint}", "{model}") for one in OPERATIONS}
    assert {path for path in asked if path not in known and path.replace("/v1/", "/v1beta/") not in known} == set()


@pytest.mark.parametrize(
    ("provider", "header"),
    [("openai", b"authorization"), ("anthropic", b"x-api-key"), ("gemini", b"x-goog-api-key")],
)
def test_a_key_goes_where_the_provider_looks_for_it(provider, header):
    """Bearer for most; Anthropic and Google have headers of their own."""
    assert registry.connect(provider, {"api_key": "k"}, {}).headers[0][0] == header


@pytest.mark.parametrize("row", [row for row in ROWS if row.key], ids=lambda row: row.name)
def test_a_hosted_provider_needs_a_key_and_https(row):
    """No hosted provider is called in the clear or without a credential."""
    assert row.base.startswith("https://")
    with pytest.raises(ConfigError, match="needs 'api_key'"):
        registry.connect(row.name, {}, {})


def test_rows_are_sorted_and_named_once():
    """A reader finds a row; none hides another."""
    for rows in (ROWS[:3], [row for row in ROWS[3:] if row.key], [row for row in ROWS if not row.key]):
        assert [row.name for row in rows] == sorted(row.name for row in rows)
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_an_own_address_wins_over_the_providers():
    """`api_base` in auth_config, with its path."""
    found = registry.connect("openai", {"api_key": "k"}, {"api_base": "https://proxy.example.com/openai/v1/"})
    assert found.address.host == "proxy.example.com"
    assert found.paths["embeddings"] == b"/openai/v1/embeddings"


def test_an_unknown_provider_with_an_address_is_openai_compatible():
    """Anything else that speaks OpenAI's dialect needs no row."""
    found = registry.connect("my-own", {}, {"api_base": "https://llm.example.com/v1"})
    assert found.paths["chat"] == b"/v1/chat/completions"
    assert found.headers == ()


@pytest.mark.parametrize(
    ("provider", "values", "config", "said"),
    [
        ("my-own", {}, {}, "'my-own' is not supported; for a server that speaks OpenAI's API"),
        ("openai-compatible", {}, {}, "set 'api_base'"),
        ("openai", {"api_key": "canary\r\nx: y"}, {}, "cannot be sent in a header"),
        ("openai", {"api_key": "canary\u20ac"}, {}, "cannot be sent in a header"),
        ("openai", {"api_key": "k"}, {"api_base": "http://127.0.0.1/v1"}, "scheme 'http' is not allowed"),
        ("ollama", {}, {}, "scheme 'http' is not allowed"),
    ],
)
def test_what_cannot_be_called_says_what_to_change(provider, values, config, said):
    """A ConfigError that never repeats the key."""
    with pytest.raises(ConfigError) as caught:
        registry.connect(provider, values, config)
    assert said in caught.value.public
    assert "canary" not in caught.value.public
