"""Amazon Bedrock: one API for the conversations of all models, and each maker's own for the rest.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html. A model definition's
model name is a model id, the id of an inference profile, or the ARN of either.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from gatewright.errors import ConfigError
from gatewright.providers.base import Given, Provider, sendable
from gatewright.snapshot.identity import AwsIdentity
from gatewright.snapshot.model import Way

_REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")

_CONVERSE = Way(path=b"/model/{model}/converse", streamed=b"/model/{model}/converse-stream")
_INVOKE = b"/model/{model}/invoke"
# https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html
_MESSAGES = Way(
    path=_INVOKE,
    streamed=b"/model/{model}/invoke-with-response-stream",
    adds=MappingProxyType({"anthropic_version": "bedrock-2023-05-31"}),
    omits=frozenset({"model", "stream"}),
    betas="anthropic_beta",
    framed=True,
)
_INVOKED = Way(path=_INVOKE, omits=frozenset({"model"}))

# What a part of a model's id says about it, the first that fits; any other model converses.
_KINDS: Mapping[str, Mapping[str, Way]] = MappingProxyType(
    {
        "amazon.titan-embed-text-v1": {"titan_v1_embed": _INVOKED},
        "amazon.titan-embed-": {"titan_embed": _INVOKED},
        "amazon.nova-2-multimodal-embeddings": {"nova_embed": _INVOKED},
        "cohere.embed-": {"bedrock_cohere_embed": _INVOKED},
        "anthropic.": {"messages": _MESSAGES, "converse": _CONVERSE},
        "": {"converse": _CONVERSE},
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bedrock(Provider):
    """Amazon Bedrock. What a model can be asked depends on its maker."""

    def completed(self, given: Given) -> Mapping[str, str]:
        """As it is; the region, which becomes part of the address and of signatures, is checked."""
        region = given.setting("aws_region_name", required=False)
        if region and not _REGION.fullmatch(region):
            raise ConfigError(f"'aws_region_name' in auth_config is {region!r}: give a region such as us-east-1")
        return given.config

    def ways(self, model: str, config: Mapping[str, str]) -> Mapping[str, Way]:  # noqa: ARG002 - as of every provider
        """How each operation of a model is called.

        Args:
            model: id or ARN.
            config: the secret's `auth_config`.
        """
        return next(ways for part, ways in _KINDS.items() if part in model)


def _access_keys(given: Given) -> AwsIdentity:
    return AwsIdentity(
        region=given.setting("aws_region_name"),
        service="bedrock",
        key_id=sendable("aws_access_key_id", given.secret("aws_access_key_id")),
        secret_key=given.secret("aws_secret_access_key"),
        session_token=sendable("aws_session_token", given.secret("aws_session_token", required=False)),
    )


def _iam_role(given: Given) -> AwsIdentity:
    return replace(_default_chain(given), role=given.setting("aws_role_name"))


def _default_chain(given: Given) -> AwsIdentity:
    return AwsIdentity(
        region=given.setting("aws_region_name"),
        service="bedrock",
        role=given.setting("aws_role_name", required=False),
        session_name=given.setting("aws_session_name", required=False) or "gatewright",
    )


BEDROCK = Bedrock(
    name="bedrock",
    title="Amazon Bedrock",
    base="https://bedrock-runtime.{aws_region_name}.amazonaws.com",
    identities=MappingProxyType({"access_keys": _access_keys, "iam_role": _iam_role, "default_chain": _default_chain}),
    samples=tuple(_KINDS),
)
