"""What a provider is: where it lives, how a credential is sent, and which operations it serves."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import quote

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

_NAMED = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider that is only configuration: a row of the registry.

    Attributes:
        name: as operators write it in a secret or a model definition.
        title: as people write it.
        base: default base address; `{name}` stands for that field of `auth_config`; empty when the secret must name an
            address in `api_base`.
        ends: what an `api_base` may end with though it is part of `paths`, longest first; it is taken off.
        paths: path under the base address by operation; `{model}` stands for the model's name.
        credential: header name and value that carry the key.
        thoughts: in which field of a chat message it takes back thoughts of earlier turns; empty when it refuses them.
        mode: the one `auth_mode` it can be called with.
        key: whether an `api_key` is required (a model server of one's own often needs none).
    """

    name: str
    title: str = ""
    base: str = ""
    ends: tuple[str, ...] = ()
    paths: Mapping[str, str] = field(default_factory=lambda: COMMON_PATHS)
    credential: tuple[bytes, str] = BEARER
    thoughts: ThoughtField = ""
    mode: str = "api_key"
    key: bool = True

    def connect(self, values: Mapping[str, str], config: Mapping[str, str], *, allow_private: bool) -> Access:
        """Join this provider with a secret.

        Args:
            values: the secret's decrypted values; `api_key` is sent in the credential header.
            config: the secret's `auth_config`; `api_base` wins over the default address, and `auth_mode` may be given.
            allow_private: `GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS`.

        Raises:
            ConfigError: saying what the operator must change.
        """
        mode = config.get("auth_mode") or self.mode
        if mode != self.mode:
            raise ConfigError(f"provider {self.name!r} cannot be called with auth_mode {mode!r}; use {self.mode!r}")
        try:
            address = parse_base(self._base(config), allow_private=allow_private)
        except ClientError as problem:
            raise ConfigError(problem.public.removesuffix(".")) from None
        key = values.get("api_key", "").strip()
        if not key and self.key:
            raise ConfigError(f"provider {self.name!r} needs 'api_key' in secret_value")
        paths = {name: (address.path + path).encode("ascii") for name, path in self.operations(config).items()}
        return Access(
            address=address, paths=MappingProxyType(paths), headers=self._credential(key), thoughts=self.thoughts
        )

    def operations(self, config: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002 - Azure's needs it
        """Path under the base address by operation, with one secret.

        Args:
            config: the secret's `auth_config`.

        Raises:
            ConfigError: when a field of it cannot be used.
        """
        return self.paths

    def _base(self, config: Mapping[str, str]) -> str:
        given = config.get("api_base", "").strip().rstrip("/")
        if given:
            return next((given.removesuffix(end) for end in self.ends if given.endswith(end)), given)
        if not self.base:
            raise ConfigError(f"provider {self.name!r} has no address of its own: set 'api_base' in auth_config")
        fields = {name: config.get(name, "").strip() for name in _NAMED.findall(self.base)}
        missing = next((name for name, value in fields.items() if not value), None)
        if missing:
            raise ConfigError(f"provider {self.name!r} needs {missing!r} in auth_config")
        return self.base.format_map({name: quote(value, safe="") for name, value in fields.items()})

    def _credential(self, key: str) -> Headers:
        if not key:
            return ()
        if not (key.isascii() and key.isprintable()):
            raise ConfigError(
                "'api_key' holds characters that cannot be sent in a header; check for a stray line break"
            )
        name, value = self.credential
        return ((name, value.format(key=key).encode("ascii")),)
