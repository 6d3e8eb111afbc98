"""Azure OpenAI: OpenAI's dialect at a resource of the customer's own, with two generations of paths.

A secret's `api_version` chooses, under the name MLflow gives it:

- none, `v1` or `preview`: the v1 API, whose bodies name the deployment
  (https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle).
- a date such as `2024-10-21`: the API of that version, whose paths name the deployment
  (https://learn.microsoft.com/azure/ai-services/openai/reference).

A model definition's model name is the name of the deployment.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gatewright.errors import ConfigError
from gatewright.providers.base import OPENAI_PATHS, SERVER_PATHS, Provider, plain
from gatewright.snapshot.model import Way

_DATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?")
_V1 = ("", "v1", "preview")
_NOT_THERE = ("moderations", "rerank")
_UNDER_V1 = {name: f"/openai/v1{path}" for name, path in OPENAI_PATHS.items() if name not in _NOT_THERE}
_UNDER_DEPLOYMENT = {
    name: f"/openai/deployments/{{model}}{path}" for name, path in SERVER_PATHS.items() if name not in _NOT_THERE
}
# The first version with responses, and they are not under a deployment; earlier ones are translated to.
_RESPONSES_SINCE = "2025-03-01"
_RESPONSES = {"responses": "/openai/responses"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Azure(Provider):
    """Azure OpenAI. Its paths depend on the secret's `api_version`."""

    def ways(self, model: str, config: Mapping[str, str]) -> Mapping[str, Way]:  # noqa: ARG002 - as of every provider
        """Each operation, with the API version as its query string.

        Args:
            model: name of the deployment.
            config: the secret's `auth_config`.

        Raises:
            ConfigError: when `api_version` is neither a date nor one of the v1 API.
        """
        version = config.get("api_version", "").strip()
        if _DATED.fullmatch(version):
            paths = _UNDER_DEPLOYMENT | (_RESPONSES if version >= _RESPONSES_SINCE else {})
        elif version in _V1:
            paths = _UNDER_V1
        else:
            raise ConfigError(
                f"'api_version' in auth_config is {version!r}: give a date such as 2024-10-21, or none for the v1 API"
            )
        return plain({name: f"{path}?api-version={version}" for name, path in paths.items()} if version else paths)


AZURE = Azure(
    name="azure",
    title="Azure OpenAI",
    ends=("/openai/v1", "/openai"),
    credential=(b"api-key", "{key}"),
)
