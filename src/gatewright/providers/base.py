"""What a provider is: where it lives, how a credential is sent, and which operations it serves."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from urllib.parse import quote

from gatewright.errors import ClientError, ConfigError
from gatewright.snapshot.address import parse_base
from gatewright.snapshot.identity import Identity
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
"""What any server compatible with OpenAI may have; one that lacks an operation answers so itself.

Reranking is not OpenAI's: it is as Cohere and Jina have it, and as model servers took it over.

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
class Given:
    """A secret, as its fields are asked for. Blanks around a value are none of it.

    Attributes:
        provider: for messages.
        values: its decrypted values.
        config: its `auth_config`.
        allow_private: `GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS`.
    """

    provider: str
    values: Mapping[str, str] = field(repr=False)
    config: Mapping[str, str]
    allow_private: bool

    def secret(self, name: str, *, required: bool = True) -> str:
        """A field of `secret_value`; a ConfigError when it is required and not there."""
        return self._found(self.values, name, "secret_value" if required else "")

    def setting(self, name: str, *, required: bool = True) -> str:
        """A field of `auth_config`; a ConfigError when it is required and not there."""
        return self._found(self.config, name, "auth_config" if required else "")

    def _found(self, fields: Mapping[str, str], name: str, needed_in: str) -> str:
        found = fields.get(name, "").strip()
        if not found and needed_in:
            raise ConfigError(f"provider {self.provider!r} needs {name!r} in {needed_in}")
        return found


Identify = Callable[[Given], Identity]
"""Makes of a secret who calls; a ConfigError says what the operator must change."""


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
        mode: the usual `auth_mode`.
        identities: who calls, by each `auth_mode` for which that is more than an API key in a header.
        tells_usage: whether its streams tell usage unasked, so that it need not be asked by `stream_options`.
        key: whether an `api_key` is required (a model server of one's own often needs none).
        samples: models that together are served every operation; one will do unless they depend on the model.
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
    identities: Mapping[str, Identify] = field(default_factory=lambda: MappingProxyType({}))
    tells_usage: bool = False
    key: bool = True
    samples: tuple[str, ...] = ("m",)

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
        given = Given(provider=self.name, values=values, config=config, allow_private=allow_private)
        given = replace(given, config=self.completed(given))
        mode = given.setting("auth_mode", required=False) or self.mode
        if mode not in self.modes:
            use = " or ".join(map(repr, self.modes))
            raise ConfigError(f"provider {self.name!r} cannot be called with auth_mode {mode!r}; use {use}")
        try:
            address = parse_base(self._base(given), allow_private=allow_private)
        except ClientError as problem:
            raise ConfigError(problem.public.removesuffix(".")) from None
        identify = self.identities.get(mode)
        ways = {name: _placed(way, address.path, model) for name, way in self.ways(model, given.config).items()}
        return Access(
            address=address,
            ways=MappingProxyType(ways),
            headers=() if identify else self._credential(given),
            identity=identify(given) if identify else None,
            thoughts=self.thoughts,
        )

    def completed(self, given: Given) -> Mapping[str, str]:
        """The `auth_config` of a secret, with what it means by what it leaves out.

        Raises:
            ConfigError: when a field is missing that nothing stands for.
        """
        return given.config

    @property
    def modes(self) -> tuple[str, ...]:
        """Every `auth_mode` it can be called with, the usual one first."""
        return tuple(dict.fromkeys((self.mode, *self.identities)))

    def ways(self, model: str, config: Mapping[str, str]) -> Mapping[str, Way]:  # noqa: ARG002 - some providers need them
        """How each operation is called, under the base address.

        Args:
            model: the provider's own name of the model.
            config: the secret's `auth_config`.

        Raises:
            ConfigError: when a field of it cannot be used.
        """
        ways = plain(self.paths, self.streamed)
        asked = () if self.tells_usage else ("chat", "completions")
        return ways | {name: replace(ways[name], asks_usage=True) for name in asked if name in ways}

    def _base(self, given: Given) -> str:
        own = given.setting("api_base", required=False).rstrip("/")
        if own:
            return next((own.removesuffix(end) for end in self.ends if own.endswith(end)), own)
        return self.place(given)

    def place(self, given: Given) -> str:
        """The provider's own base address.

        Raises:
            ConfigError: when it has none, or a field of it is missing.
        """
        if not self.base:
            raise ConfigError(f"provider {self.name!r} has no address of its own: set 'api_base' in auth_config")
        return self.base.format_map({name: quote(given.setting(name), safe="") for name in _NAMED.findall(self.base)})

    def _credential(self, given: Given) -> Headers:
        key = given.secret("api_key", required=self.key)
        if not key:
            return ()
        sendable("api_key", key)
        name, value = self.credential
        return ((name, value.format(key=key).encode("ascii")),)


def sendable(name: str, text: str) -> str:
    """A secret that goes into a header, as it is.

    Raises:
        ConfigError: it cannot.
    """
    if not (text.isascii() and text.isprintable()):
        raise ConfigError(f"{name!r} holds characters that cannot be sent in a header; check for a stray line break")
    return text


def plain(paths: Mapping[str, str], streamed: Mapping[str, str] = MappingProxyType({})) -> dict[str, Way]:
    """Ways that are only paths.

    Args:
        paths: path under the base address by operation; `{model}` stands for the model's name.
        streamed: the same for a streamed answer, where it is another path.
    """
    return {name: Way(path=path.encode(), streamed=streamed.get(name, "").encode()) for name, path in paths.items()}


def _placed(way: Way, base: str, model: str) -> Way:
    """A way at its place: under the base path, with the model's name, which cannot lead out of its place."""
    if model in (".", "..") and b"{model}" in way.path:
        raise ConfigError(f"model_name {model!r} is no model: in a path it means another folder")

    def full(path: bytes) -> bytes:
        return base.encode("ascii") + path.replace(b"{model}", quote(model, safe="").encode("ascii"))

    return replace(way, path=full(way.path), streamed=full(way.streamed) if way.streamed else b"")
