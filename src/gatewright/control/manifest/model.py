"""What a file asks for, once it is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Value:
    """A secret value and where it came from.

    Attributes:
        text: the value itself, never shown.
        source: how the file refers to it, for people.
    """

    text: str = field(repr=False)
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret as the file wants it.

    Attributes:
        name: its name.
        line: where it stands in the file.
        provider: whose credential it is; None when the file does not say.
        values: values by field (`api_key`); None when the file leaves them to somebody else.
        auth_config: settings that are not confidential.
    """

    name: str
    line: int
    provider: str | None
    values: Mapping[str, Value] | None
    auth_config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that must be found in the file or in the database.

    Attributes:
        name: the name.
        line: where it is used.
    """

    name: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDefinition:
    """A model definition as the file wants it.

    Attributes:
        name: its name.
        line: where it stands in the file.
        secret: the secret it uses.
        provider: None for the secret's.
        model_name: the provider's own name of the model.
    """

    name: str
    line: int
    secret: Reference
    provider: str | None
    model_name: str


@dataclass(frozen=True, slots=True)
class Share:
    """A PRIMARY model of an endpoint.

    Attributes:
        model: the model definition.
        weight: its odds in the traffic split.
    """

    model: Reference
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint as the file wants it.

    Attributes:
        name: what applications call.
        line: where it stands in the file.
        models: PRIMARY models.
        fallbacks: FALLBACK models, first to last.
        max_attempts: how many fallbacks are tried at most; 0 for all.
        tags: all of its tags.
        usage_tracking: whether calls are recorded.
    """

    name: str
    line: int
    models: tuple[Share, ...]
    fallbacks: tuple[Reference, ...]
    max_attempts: int
    tags: Mapping[str, str]
    usage_tracking: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything of one file that could be read.

    Attributes:
        secrets: secrets, those written inside a model definition included.
        model_definitions: model definitions.
        endpoints: endpoints.
        unread: names of secrets and model definitions that are in the file but have problems of their own,
            so that a reference to one is not a second problem.
        used_secrets: every reference to a secret, also from what could not be read.
        used_models: every reference to a model definition, also from what could not be read.
    """

    secrets: tuple[Secret, ...]
    model_definitions: tuple[ModelDefinition, ...]
    endpoints: tuple[Endpoint, ...]
    unread: frozenset[str]
    used_secrets: tuple[Reference, ...]
    used_models: tuple[Reference, ...]
