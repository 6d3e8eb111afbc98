"""What a provider is: where it lives, how a credential is sent, and which operations it serves."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from urllib.parse import quote

from gatewright.errors import ClientError, ConfigError
from gatewright.snapshot.address import parse_base
from gatewright.snapshot.model import Access, Headers, ThoughtField, Way

COMMON_PATHS: Mapping[str, str] = MappingProxyType({"chat": "/chat/completions", "embeddings": "/embeddings"})
"""The operations of OpenAI's API that any provider compatible with it is expected to have, under its base address."""

SERVER_PATHS: Mapping[str, str] = MappingProxyType(
    {
        **COMMON_PATHS,
        "completions": "/completions",
        "moderations": "/moderations",
        "images": "/images/generations",
        "image_edits": "/images/edits",
        "speech": "/audio/speech",
        "transcriptions": "/audio/transcriptions",
        "translations": "/audio/translations",
        "rerank": "/rerank",
    }
)
"""What any server compatible with OpenAI may have, with reranking as Jina has it, which such servers took over; one that lacks an operation answers so itself.

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
        streamed: the same for a streamed answer, where it is another path.
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
    streamed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    credential: tuple[bytes, str] = BEARER
    thoughts: ThoughtField = ""
    mode: str = "api_key"
    key: bool = True

    def connect(
        self, model: str, values: Mapping[str, str], config: Mapping[str, str], *, allow_private: bool
    ) -> Access:
        """Join one model of this provider with a secret.

        Args:
            model: the provider's own name of the model.
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
        ways = {name: _placed(way, address.path, model) for name, way in self.ways(model, config).items()}
        return Access(
            address=address, ways=MappingProxyType(ways), headers=self._credential(key), thoughts=self.thoughts
        )

    def ways(self, model: str, config: Mapping[str, str]) -> Mapping[str, Way]:  # noqa: ARG002 - some providers need them
        """How each operation is called, under the base address.

        Args:
            model: the provider's own name of the model.
            config: the secret's `auth_config`.

        Raises:
            ConfigError: when a field of it cannot be used.
        """
        return plain(self.paths, self.streamed)

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


def plain(paths: Mapping[str, str], streamed: Mapping[str, str] = MappingProxyType({})) -> dict[str, Way]:
    """Ways that are only paths.

    Args:
        paths: path under the base address by operation; `{model}` stands for the model's name.
        streamed: the same for a streamed answer, where it is another path.
    """
    return {name: Way(path=path.encode(), streamed=streamed.get(name, "").encode()) for name, path in paths.items()}


def _placed(way: Way, base: str, model: str) -> Way:
    """A way at its place: under the base path, with the model's name, which cannot lead out of its place."""

    def full(path: bytes) -> bytes:
        return base.encode("ascii") + path.replace(b"{model}", quote(model, safe="").encode("ascii"))

    return replace(way, path=full(way.path), streamed=full(way.streamed) if way.streamed else b"")
