"""Databricks: the model serving endpoints of a workspace, called by a user's token or as a service principal."""

from dataclasses import replace
from types import MappingProxyType

from gatewright.errors import ClientError, ConfigError
from gatewright.providers.base import Given, Provider
from gatewright.snapshot.address import parse_base
from gatewright.snapshot.identity import OAuthIdentity


def _service_principal(given: Given) -> OAuthIdentity:
    """https://docs.databricks.com/en/dev-tools/auth/oauth-m2m.html: the workspace itself gives out the tokens."""
    try:
        workspace = parse_base(given.setting("api_base"), allow_private=given.allow_private)
    except ClientError as problem:
        raise ConfigError(problem.public.removesuffix(".")) from None
    return OAuthIdentity(
        server=replace(workspace, path="/oidc/v1/token"),
        client_id=given.setting("client_id"),
        client_secret=given.secret("client_secret"),
        scope="all-apis",
    )


# https://docs.databricks.com/en/machine-learning/model-serving/score-foundation-models.html: the paths of OpenAI's SDK,
# where the body names the serving endpoint, and not `/{name}/invocations`, whose bodies have no `model`.
DATABRICKS = Provider(
    name="databricks",
    title="Databricks",
    ends=("/serving-endpoints",),
    paths=MappingProxyType(
        {
            "chat": "/serving-endpoints/chat/completions",
            "completions": "/serving-endpoints/completions",
            "embeddings": "/serving-endpoints/embeddings",
        }
    ),
    mode="pat_token",
    identities=MappingProxyType({"oauth_m2m": _service_principal}),
)
