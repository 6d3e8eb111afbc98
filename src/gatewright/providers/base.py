"""What a provider is: where it lives, how a credential is sent, and which operations it serves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gatewright.errors import ClientError, ConfigError
from gatewright.snapshot.address import parse_base
from gatewright.snapshot.model import Access, Headers, ThoughtField

COMMON_PATHS: Mapping[str, str] = MappingProxyType({"chat": "/chat/completions", "embeddings": "/embeddings"})
"""The operations of OpenAI's API that any provider compatible with it is expected to have, under its base address."""

SERVER_PATHS: Mapping[str, str] = MappingProxyType(
    {
        **COMMON_PATHS,
        "completions": "/completions",
        "moderations": "/moderations",
        "images": "/images/generations",
        "speech": "/audio/speech",
    }
)
"""What any server compatible with OpenAI may have; one that lacks an operation answers so itself.

Responses are not among them: where a server has none, they are translated to a chat completion, which all have.
"""

OPENAI_PATHS: Mapping[str, str] = MappingProxyType(
    {**SERVER_PATHS, "responses": "/responses", "compact": "/responses/compact"}
)
"""All operations of OpenAI's API."""

BEARER = (b"authorization", "Bearer {key}")
"""How most providers take an API key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider that is only configuration: a row of the registry.

    Attributes:
        name: as operators write it in a secret or a model definition.
        base: default base address; empty when the secret must name one in `api_base`.
        paths: path under the base address by operation; `{model}` stands for the model's name.
        credential: header name and value that carry the key.
        thoughts: in which field of a chat message it takes back thoughts of earlier turns; empty when it refuses them.
        key: whether an `api_key` is required (a model server of one's own often needs none).
    """

    name: str
    base: str = ""
    paths: Mapping[str, str] = field(default_factory=lambda: COMMON_PATHS)
    credential: tuple[bytes, str] = BEARER
    thoughts: ThoughtField = ""
    key: bool = True

    def connect(self, values: Mapping[str, str], config: Mapping[str, str], *, allow_private: bool) -> Access:
        """Join this provider with a secret.

        Args:
            values: the secret's decrypted values; `api_key` is sent in the credential header.
            config: the secret's `auth_config`; `api_base` wins over the default address.
            allow_private: `GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS`.

        Raises:
            ConfigError: saying what the operator must change.
        """
        base = config.get("api_base") or self.base
        if not base:
            raise ConfigError(f"provider {self.name!r} has no address of its own: set 'api_base' in auth_config")
        try:
            address = parse_base(base, allow_private=allow_private)
        except ClientError as problem:
            raise ConfigError(problem.public.removesuffix(".")) from None
        key = values.get("api_key", "").strip()
        if not key and self.key:
            raise ConfigError(f"provider {self.name!r} needs 'api_key' in secret_value")
        paths = {operation: (address.path + path).encode("ascii") for operation, path in self.paths.items()}
        return Access(
            address=address, paths=MappingProxyType(paths), headers=self._credential(key), thoughts=self.thoughts
        )

    def _credential(self, key: str) -> Headers:
        if not key:
            return ()
        if not (key.isascii() and key.isprintable()):
            raise ConfigError(
                "'api_key' holds characters that cannot be sent in a header; check for a stray line break"
            )
        name, value = self.credential
        return ((name, value.format(key=key).encode("ascii")),)
