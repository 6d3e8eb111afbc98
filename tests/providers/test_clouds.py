"""Providers inside a cloud: addresses, paths and identities."""

import json
import re
from urllib.parse import unquote, urlsplit

import pytest

from fixtures.recorded import everything
from gatewright.errors import ConfigError
from gatewright.providers import registry
from gatewright.snapshot.address import Address
from gatewright.snapshot.identity import AwsIdentity, GoogleIdentity, OAuthIdentity

KEYS = {"aws_access_key_id": " AKID\n", "aws_secret_access_key": "canary"}
KEY = json.dumps(
    {
        "type": "service_account",
        "project_id": "key-project",
        "private_key_id": "kid",
        "private_key": "canary",
        "client_email": "sa@key-project.iam.gserviceaccount.com",
    }
)


def bedrock(model="amazon.nova-lite-v1:0", values=KEYS, cloud=None, **config):
    config = {"auth_mode": "access_keys", "aws_region_name": "us-east-1"} | config
    return registry.connect("bedrock", model, values, config, cloud=cloud or {})


def vertex(model="gemini-2.5-flash", values=None, cloud=None, **config):
    return registry.connect("vertex_ai", model, values or {"vertex_credentials": KEY}, config, cloud=cloud or {})


def paths(access):
    return {name: (way.path.decode(), way.streamed.decode()) for name, way in access.ways.items()}


def test_a_model_of_bedrock_converses_at_its_region():
    """Its id is percent-encoded as AWS does it."""
    found = bedrock()
    assert found.address == Address("https", "bedrock-runtime.us-east-1.amazonaws.com", 443)
    at = "/model/amazon.nova-lite-v1%3A0"
    assert paths(found) == {"converse": (f"{at}/converse", f"{at}/converse-stream")}


def test_an_arn_is_one_segment_of_the_path():
    """Its slashes too."""
    found = bedrock("arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-3-7-sonnet-20250219-v1:0")
    assert paths(found)["converse"][0] == (
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2F"
        "us.anthropic.claude-3-7-sonnet-20250219-v1%3A0/converse"
    )


def test_claude_on_bedrock_is_spoken_to_as_claude():
    """The model is in the path, the version in the body, and beta features are a field."""
    message = bedrock("eu.anthropic.claude-sonnet-4-5-20250929-v1:0").ways["messages"]
    at = b"/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0"
    assert (message.path, message.streamed) == (at + b"/invoke", at + b"/invoke-with-response-stream")
    assert message.adds == {"anthropic_version": "bedrock-2023-05-31"}
    assert message.omits == {"model", "stream"}
    assert (message.betas, message.framed) == ("anthropic_beta", True)


@pytest.mark.parametrize(
    ("model", "operation"),
    [
        ("amazon.titan-embed-text-v2:0", "titan_embed"),
        ("amazon.titan-embed-text-v1", "titan_v1_embed"),
        ("amazon.nova-2-multimodal-embeddings-v1:0", "nova_embed"),
        ("us.cohere.embed-v4:0", "bedrock_cohere_embed"),
        ("cohere.embed-english-v3", "bedrock_cohere_embed"),
    ],
)
def test_a_model_of_bedrock_that_embeds_does_nothing_else(model, operation):
    """Each maker's in its own shape, without the model's name in the body."""
    [(name, way)] = bedrock(model).ways.items()
    assert (name, way.omits) == (operation, {"model"})
    assert way.path.endswith(b"/invoke")


def test_who_calls_bedrock_follows_from_the_mode():
    """A key in a header, keys that sign, a role, or what the server finds."""
    found = bedrock(values={"api_key": "k"}, auth_mode="api_key")
    assert (found.headers, found.identity) == (((b"authorization", b"Bearer k"),), None)
    at = {"region": "us-east-1", "service": "bedrock"}
    assert bedrock().identity == AwsIdentity(**at, key_id="AKID", secret_key="canary")
    temporary = bedrock(values=KEYS | {"aws_session_token": "t"}).identity
    assert temporary == AwsIdentity(**at, key_id="AKID", secret_key="canary", session_token="t")
    role = bedrock(values={}, auth_mode="iam_role", aws_role_name="arn:r", aws_session_name="s").identity
    assert role == AwsIdentity(**at, role="arn:r", session_name="s")
    assert bedrock(values={}, auth_mode="default_chain").identity == AwsIdentity(**at)


@pytest.mark.parametrize(
    ("cloud", "region"),
    [
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-north-1"}, "eu-north-1"),
    ],
)
def test_a_secret_without_a_region_means_the_servers_own(cloud, region):
    """In the address and in the signature."""
    found = bedrock(cloud=cloud, aws_region_name="")
    assert found.address.host == f"bedrock-runtime.{region}.amazonaws.com"
    assert isinstance(found.identity, AwsIdentity)
    assert found.identity.region == region


def test_another_address_of_bedrock_is_signed_for_the_region_all_the_same():
    """As a private endpoint needs it."""
    found = bedrock(api_base="https://vpce-1.bedrock-runtime.us-east-1.vpce.amazonaws.com/x")
    assert found.ways["converse"].path.startswith(b"/x/model/")
    assert isinstance(found.identity, AwsIdentity)
    assert found.identity.region == "us-east-1"


def test_gemini_on_vertex_is_called_in_its_project_and_location():
    """Names cannot lead out of their place in the path."""
    found = vertex(vertex_project="p/../q", vertex_location="europe-west4")
    assert found.address == Address("https", "europe-west4-aiplatform.googleapis.com", 443)
    at = "/v1/projects/p%2F..%2Fq/locations/europe-west4/publishers/google/models/gemini-2.5-flash"
    assert paths(found) == {
        "generate_content": (f"{at}:generateContent", f"{at}:streamGenerateContent"),
        "count_gemini_tokens": (f"{at}:countTokens", ""),
    }


def test_claude_on_vertex_is_spoken_to_as_claude():
    """Tokens are counted at a place of their own, where the body names the model."""
    found = vertex("claude-sonnet-4-5@20250929")
    at = "/v1/projects/key-project/locations/us-central1/publishers/anthropic/models"
    model = f"{at}/claude-sonnet-4-5%4020250929"
    assert paths(found) == {
        "messages": (f"{model}:rawPredict", f"{model}:streamRawPredict"),
        "count_tokens": (f"{at}/count-tokens:rawPredict", ""),
    }
    assert {name: way.omits for name, way in found.ways.items()} == {"messages": {"model"}, "count_tokens": frozenset()}
    assert all(way.adds == {"anthropic_version": "vertex-2023-10-16"} for way in found.ways.values())


@pytest.mark.parametrize(
    ("model", "operation", "method"),
    [
        ("text-embedding-005", "vertex_embed", "predict"),
        ("text-multilingual-embedding-002", "vertex_embed", "predict"),
        ("gemini-embedding-001", "vertex_embed", "predict"),
        ("gemini-embedding-2", "embed_content", "embedContent"),
    ],
)
def test_a_model_of_vertex_that_embeds_does_nothing_else(model, operation, method):
    """Newer ones of Gemini in Gemini's own shape."""
    [(name, way)] = vertex(model).ways.items()
    assert name == operation
    assert way.path.decode().endswith(f"/models/{model}:{method}")


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("", "us-central1-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_a_location_has_a_host(location, host):
    """The world and the large regions have one of another form."""
    found = vertex(vertex_location=location)
    assert found.address.host == host
    assert f"/locations/{location or 'us-central1'}/".encode() in found.ways["generate_content"].path


def test_the_project_is_the_one_given_else_the_servers_else_the_keys():
    """As Google's own clients take them."""

    def project(**options):
        return re.findall(r"projects/([^/]+)", paths(vertex(**options))["generate_content"][0])[0]

    cloud = {"GOOGLE_CLOUD_PROJECT": "server-project"}
    assert project(cloud=cloud, vertex_project="mine") == "mine"
    assert project(cloud=cloud) == "server-project"
    assert project() == "key-project"


def test_who_calls_vertex_follows_from_the_mode():
    """A service account, or what the server finds."""
    identity = vertex().identity
    assert isinstance(identity, GoogleIdentity)
    assert identity.account is not None
    assert identity.account.email == "sa@key-project.iam.gserviceaccount.com"
    assert identity.account.server == Address("https", "oauth2.googleapis.com", 443, "/token")
    assert "canary" not in repr(identity)
    assert vertex(auth_mode="default_chain", vertex_project="p").identity == GoogleIdentity()


def test_a_service_principal_of_databricks_asks_its_workspace_for_tokens():
    """Whatever path the address was given with."""
    config = {
        "auth_mode": "oauth_m2m",
        "api_base": "https://adb-1.example.net/serving-endpoints",
        "client_id": "c",
    }
    found = registry.connect("databricks", "m", {"client_secret": "s"}, config)
    assert found.headers == ()
    assert found.identity == OAuthIdentity(
        server=Address("https", "adb-1.example.net", 443, "/oidc/v1/token"),
        client_id="c",
        client_secret="s",
        scope="all-apis",
    )
    assert found.ways["chat"].path == b"/serving-endpoints/chat/completions"


@pytest.mark.parametrize(
    ("joining", "said"),
    [
        (
            lambda: bedrock(aws_region_name="us-east-1.evil.example/"),
            "is 'us-east-1.evil.example/': give a region such",
        ),
        (
            lambda: bedrock(values=KEYS | {"aws_access_key_id": "canary\nx"}),
            "'aws_access_key_id' holds characters that",
        ),
        (lambda: bedrock(aws_region_name=""), "provider 'bedrock' needs 'aws_region_name' in auth_config"),
        (lambda: bedrock(auth_mode="oauth"), "use 'api_key' or 'access_keys' or 'iam_role' or 'default_chain'"),
        (lambda: vertex(values={"vertex_credentials": "canary"}), "the service account's key is not the JSON"),
        (lambda: vertex(auth_mode="default_chain", values={"x": "y"}), "needs 'vertex_project' in auth_config"),
        (
            lambda: vertex(values={"vertex_credentials": KEY.replace("key-project", "")}),
            "needs 'vertex_project' in auth_config",
        ),
        (lambda: vertex(vertex_location="x.evil.example/"), "must be a plain DNS name"),
    ],
)
def test_what_cannot_be_called_is_told(joining, said):
    """Before any request is."""
    with pytest.raises(ConfigError) as caught:
        joining()
    assert said in caught.value.public
    assert "canary" not in caught.value.public


BEDROCK = [one for one in everything() if one.provider == "bedrock" and "/model/" in one.url]


@pytest.mark.parametrize("exchange", BEDROCK, ids=lambda one: one.name)
def test_recorded_calls_to_bedrock_went_where_we_call(exchange):
    """By the region and the model in their address; some clients leave the colon as it is."""
    url = urlsplit(exchange.url)
    model, _, method = url.path.removeprefix("/model/").rpartition("/")
    found = bedrock(unquote(model), aws_region_name=url.netloc.split(".")[1])
    called = {path for pair in paths(found).values() for path in pair}
    assert found.address.host == url.netloc
    assert f"/model/{model.replace(':', '%3A')}/{method}" in called


VERTEX = [one for one in everything() if one.provider == "vertex" and "/projects/" in one.url]


@pytest.mark.parametrize("exchange", VERTEX, ids=lambda one: one.name)
def test_recorded_calls_to_vertex_went_where_we_call(exchange):
    """By project, location and model in their address; some by the version before."""
    path = urlsplit(exchange.url).path.replace("/v1beta1/", "/v1/")
    found = re.fullmatch(r"/v1/projects/(.+)/locations/(.+)/publishers/.+/models/(.+):\w+", path)
    assert found is not None
    access = vertex(found[3], vertex_project=found[1], vertex_location=found[2])
    assert path in {way for pair in paths(access).values() for way in pair}
