"""What a request needs, frozen: endpoints by name with their targets, and keys by hash.

The control plane builds these values; the data plane only reads them. Nothing here knows the database, protobuf or
HTTP. A secret is decrypted before it is put here, and `repr` never shows it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, NamedTuple

from gatewright.snapshot.address import Address
from gatewright.snapshot.identity import Identity

Headers = tuple[tuple[bytes, bytes], ...]
ThoughtField = Literal["reasoning_content", "reasoning", "reasoning_details", "thinking", ""]
FallbackKind = Literal["context_window", "content_policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How one operation of a provider is called. The defaults are what nearly all have.

    Attributes:
        path: request target, the base path included.
        streamed: request target when a stream is asked for; empty for the same.
        adds: strings that the body must hold besides what was asked.
        omits: top-level fields of the dialect that the body must not hold; with `model`, only the path names it.
        betas: field of the body that takes the values of the `anthropic-beta` header; empty when the header is sent.
        framed: whether a stream comes as Amazon's binary frames around the dialect's events.
        asks_usage: whether a stream tells usage only when asked by OpenAI's `stream_options`.
    """

    path: bytes
    streamed: bytes = b""
    adds: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    omits: frozenset[str] = frozenset()
    betas: str = ""
    framed: bool = False
    asks_usage: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach one model of a provider with one secret.

    Attributes:
        address: where to connect.
        ways: how each operation is called, by its name (`chat`).
        headers: credential headers, ready to send, lower-case names.
        identity: who signs requests or asks for tokens, where fixed headers are not enough.
        thoughts: in which field of a chat message the provider takes back thoughts of earlier turns; empty when it
            refuses them.
    """

    address: Address
    ways: Mapping[str, Way]
    headers: Headers = field(default=(), repr=False)
    identity: Identity | None = field(default=None, repr=False)
    thoughts: ThoughtField = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One provider's model behind an endpoint, with everything needed to call it.

    Attributes:
        provider: provider name, e.g. `openai`.
        model: the provider's own model name, sent upstream.
        access: how to reach it.
        shown: `provider/model` for a response header: printable ASCII.
        key: which target it is, for its health: the same in every process, for every endpoint, and until its model, its
            address or its secret is changed. It reveals nothing of the secret.
    """

    provider: str
    model: str
    access: Access
    shown: bytes
    key: str


class Routes(NamedTuple):
    """What requests for one operation of an endpoint are planned from.

    Attributes:
        plans: for each PRIMARY target, itself and the fallbacks; without any, the fallbacks alone.
        cumulative: weights of the PRIMARY targets added up one after the other.
        primaries: those targets with their weights.
        spares: the FALLBACK targets, more of them than a plan may have.
        keys: of all of these.
    """

    plans: tuple[tuple[Target, ...], ...]
    cumulative: tuple[float, ...]
    primaries: tuple[tuple[Target, float], ...]
    spares: tuple[Target, ...]
    keys: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the requests of an endpoint are treated, where the operator may choose.

    Attributes:
        strict: a request is refused rather than sent with something left out that its target cannot express.
        timeout: seconds for a request with all its attempts; None for no limit but those of each attempt.
        first_token: seconds an attempt has until the first content of its answer; None for no limit of its own.
        retries: how often the same target is asked again after a failure that may pass.
        fallback_on: kinds of failure that go on to the next target although another one would be paid for.
        cooldown: seconds a failing target is left alone; None for 1 second that doubles up to a minute, 0 for never.
        hedge: seconds after which a second target is asked too, or after the 95th percentile of late; None for never.
        max_concurrency: most requests under way at once in one process; None for no limit of its own.
        continuation: whether the next target is asked to go on with a stream that breaks off after its beginning.
    """

    strict: bool = False
    timeout: float | None = None
    first_token: float | None = None
    retries: int = 1
    fallback_on: frozenset[FallbackKind] = frozenset()
    cooldown: float | None = None
    hedge: float | Literal["p95"] | None = None
    max_concurrency: int | None = None
    continuation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A published name and where its traffic goes.

    Attributes:
        endpoint_id: `e-` and 32 hex digits.
        name: what applications put in `model`.
        created_at: milliseconds since the epoch.
        primaries: PRIMARY targets that can be called, in mapping order, each with its weight above 0.
        fallbacks: FALLBACK targets that can be called, in `fallback_order`.
        most_fallbacks: how many fallbacks a request may go on to; None for all.
        problem: why no target can be called; empty when one can.
        policy: how its requests are treated.
        routes: by operation, what `gateway/plan.py` chooses from; worked out when first asked for.
    """

    endpoint_id: str
    name: str
    created_at: int
    primaries: tuple[tuple[Target, float], ...]
    fallbacks: tuple[Target, ...] = ()
    most_fallbacks: int | None = None
    problem: str = ""
    policy: Policy = Policy()
    routes: dict[str, Routes] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls.

    Attributes:
        key_id: `k-` and 32 hex digits; `admin` for the key from the settings, `anonymous` without authentication.
        name: what the operator called the key.
        admin: whether it may manage, not only call endpoints.
    """

    key_id: str
    name: str
    admin: bool = False

    @property
    def anonymous(self) -> bool:
        """Whether no key was asked for."""
        return self.key_id == "anonymous"


ANONYMOUS = Principal(key_id="anonymous", name="anonymous", admin=True)
"""The caller of a server started with --no-auth (loopback only)."""


def key_digest(key: str | bytes) -> bytes:
    """SHA-256 of a key: what is stored and looked up. Keys are 256 random bits, so no slow hash is needed.

    Args:
        key: as text, or as its bytes in UTF-8.
    """
    return hashlib.sha256(key if isinstance(key, bytes) else key.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One revision of everything the data plane serves.

    Attributes:
        revision: the database's revision this was compiled from; grows with every write.
        endpoints: by name.
        principals: by key digest.
        anonymous: whoever sends no key is this principal; None means a key is needed.
        callers: by `authorization` header field, those who have called; `gateway/authenticate.py` fills it.
    """

    revision: int
    endpoints: Mapping[str, Endpoint] = field(default_factory=lambda: MappingProxyType({}))
    principals: Mapping[bytes, Principal] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    anonymous: Principal | None = None
    callers: dict[bytes, Principal] = field(default_factory=dict, repr=False, compare=False)
