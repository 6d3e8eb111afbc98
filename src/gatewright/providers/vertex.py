"""Google Vertex AI: Gemini, Google's embeddings and Claude, in a project of the customer's own.

https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference and
https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote

from gatewright.providers.base import Given, Provider
from gatewright.snapshot.identity import GoogleIdentity, service_account
from gatewright.snapshot.model import Way

_LOCATION = "us-central1"
_VERSION = MappingProxyType({"anthropic_version": "vertex-2023-10-16"})
# https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations: not every location has a host of its own.
_HOSTS = MappingProxyType(
    {
        "global": "https://aiplatform.googleapis.com",
        "us": "https://aiplatform.us.rep.googleapis.com",
        "eu": "https://aiplatform.eu.rep.googleapis.com",
    }
)
_MODEL = frozenset({"model"})
_ACCOUNT = "vertex_credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertex(Provider):
    """Vertex AI. Its address depends on the location, its paths on the maker of the model."""

    def completed(self, given: Given) -> Mapping[str, str]:
        """A project that is not given is that of the service account."""
        project, key = given.setting("vertex_project", required=False), given.secret(_ACCOUNT, required=False)
        if not project and key:
            project = service_account(key, allow_private=given.allow_private).project
        return {
            **given.config,
            "vertex_project": project or given.setting("vertex_project"),
            "vertex_location": given.setting("vertex_location", required=False) or _LOCATION,
        }

    def ways(self, model: str, config: Mapping[str, str]) -> Mapping[str, Way]:
        """How each operation of a model is called.

        Args:
            model: e.g. `gemini-2.5-flash`, `claude-sonnet-4-5@20250929` or `text-embedding-005`.
            config: the secret's `auth_config`, with project and location.
        """
        project, location = (quote(config.get(f"vertex_{name}", ""), safe="") for name in ("project", "location"))

        def at(path: str) -> bytes:
            return f"/v1/projects/{project}/locations/{location}/publishers/{path}".encode("ascii")

        if model.startswith("claude"):
            return {
                "messages": Way(
                    path=at("anthropic/models/{model}:rawPredict"),
                    streamed=at("anthropic/models/{model}:streamRawPredict"),
                    adds=_VERSION,
                    omits=_MODEL,
                ),
                "count_tokens": Way(path=at("anthropic/models/count-tokens:rawPredict"), adds=_VERSION),
            }
        if "embedding" in model:
            # The first of Gemini's own is still called as Google's models before it.
            if model.startswith("gemini-") and not model.startswith("gemini-embedding-001"):
                return {"embed_content": Way(path=at("google/models/{model}:embedContent"), omits=_MODEL)}
            return {"vertex_embed": Way(path=at("google/models/{model}:predict"), omits=_MODEL)}
        return {
            "generate_content": Way(
                path=at("google/models/{model}:generateContent"),
                streamed=at("google/models/{model}:streamGenerateContent"),
            ),
            "count_gemini_tokens": Way(path=at("google/models/{model}:countTokens")),
        }

    def place(self, given: Given) -> str:
        """The address of the location."""
        return _HOSTS.get(given.setting("vertex_location")) or Provider.place(self, given)


def _service_account(given: Given) -> GoogleIdentity:
    return GoogleIdentity(account=service_account(given.secret(_ACCOUNT), allow_private=given.allow_private))


def _default_chain(_given: Given) -> GoogleIdentity:
    return GoogleIdentity()


VERTEX = Vertex(
    name="vertex_ai",
    title="Google Vertex AI",
    base="https://{vertex_location}-aiplatform.googleapis.com",
    mode="service_account_json",
    identities=MappingProxyType({"service_account_json": _service_account, "default_chain": _default_chain}),
    samples=("gemini-2.5-flash", "claude-sonnet-4-5", "text-embedding-005", "gemini-embedding-2"),
)
