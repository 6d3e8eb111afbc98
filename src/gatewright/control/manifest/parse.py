"""The shape of the file: which keys there are, and what they mean."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import yaml

from gatewright.control import policy
from gatewright.control.manifest.document import line_of
from gatewright.control.manifest.model import (
    Endpoint,
    Manifest,
    ModelDefinition,
    Reference,
    Secret,
    Share,
    Value,
)
from gatewright.control.manifest.reader import Reader
from gatewright.control.manifest.references import References
from gatewright.errors import ClientError

MAX_WEIGHT = 1e9
MAX_ATTEMPTS = 1000

_TOP = ("secrets", "model_definitions", "endpoints")
_SECRET = ("provider", "secret_value", "auth_config")
_MODEL_DEFINITION = ("provider", "model_name", "secret")
_SHARE = ("model", "weight")
_ENDPOINT = ("models", "fallbacks", "max_attempts", "tags", "usage_tracking")

Item = TypeVar("Item")


class Parser:
    """Reads one file; problems are noted in the reader."""

    def __init__(self, reader: Reader, references: References) -> None:
        """Read with `reader`, looking up secret values with `references`."""
        self._reader = reader
        self._references = references
        self._secrets: dict[str, Secret] = {}
        self._unread: set[str] = set()
        self._references_to: dict[str, list[Reference]] = {"secret": [], "model": []}

    def manifest(self, root: yaml.Node) -> Manifest:
        """Everything of the file that can be read."""
        top = self._reader.fields(root, "the file", _TOP)
        # Secrets come first wherever they stand, for a model definition may bring its own of the same name.
        self._section("secrets", top.get("secrets"), self._secret)
        definitions = self._section("model_definitions", top.get("model_definitions"), self._model_definition)
        endpoints = self._section("endpoints", top.get("endpoints"), self._endpoint)
        return Manifest(
            secrets=tuple(one for one in self._secrets.values() if one.name not in self._unread),
            model_definitions=tuple(definitions),
            endpoints=tuple(endpoints),
            unread=frozenset(self._unread),
            used_secrets=tuple(self._references_to["secret"]),
            used_models=tuple(self._references_to["model"]),
        )

    def _section(
        self, what: str, node: yaml.Node | None, read: Callable[[str, int, yaml.Node], Item | None]
    ) -> list[Item]:
        items = []
        for key, name, value in self._reader.entries(node, f"'{what}'") if node else ():
            before = self._reader.refused
            item = read(name, line_of(key), value)
            # What has a problem is not tried on the database: that would only find the same problem again.
            if item is None or self._reader.refused > before:
                self._unread.add(name)
            else:
                items.append(item)
        return items

    def _secret(self, name: str, line: int, node: yaml.Node) -> Secret | None:
        what = f"secret {name!r}"
        fields = self._reader.fields(node, what, _SECRET)
        secret = Secret(
            name=name,
            line=line,
            provider=self._optional_text(fields, "provider", what),
            values=self._values(fields.get("secret_value"), what),
            auth_config=self._texts(fields, "auth_config", what),
        )
        if name in self._secrets:
            self._reader.refuse(
                node, f"{what} is already given in line {self._secrets[name].line}: refer to it as 'secret: {name}'."
            )
            return None
        self._secrets[name] = secret
        return secret

    def _values(self, node: yaml.Node | None, what: str) -> Mapping[str, Value] | None:
        if node is None:
            return None
        what = f"'secret_value' of {what}"
        entries = self._reader.entries(node, what)
        if not entries and isinstance(node, yaml.MappingNode):
            self._reader.refuse(node, f"{what} is empty; leave it out for an upstream that needs no key.")
        found = {name: self._references.look_up(value, f"{name!r} in {what}") for _, name, value in entries}
        return {name: value for name, value in found.items() if value is not None}

    def _model_definition(self, name: str, line: int, node: yaml.Node) -> ModelDefinition | None:
        what = f"model definition {name!r}"
        fields = self._reader.fields(node, what, _MODEL_DEFINITION)
        provider = self._optional_text(fields, "provider", what)
        model_name = self._text(node, fields, "model_name", what)
        secret = self._used_secret(name, node, fields.get("secret"), what)
        if model_name is None or secret is None:
            return None
        return ModelDefinition(name=name, line=line, secret=secret, provider=provider, model_name=model_name)

    def _used_secret(self, name: str, owner: yaml.Node, node: yaml.Node | None, what: str) -> Reference | None:
        """The secret a model definition names, or the one written inside it, which takes the definition's name."""
        if not isinstance(node, yaml.MappingNode):
            return self._reference(owner, node, "secret", what)
        return Reference(name, line_of(node)) if self._secret(name, line_of(node), node) else None

    def _endpoint(self, name: str, line: int, node: yaml.Node) -> Endpoint | None:
        what = f"endpoint {name!r}"
        fields = self._reader.fields(node, what, _ENDPOINT)
        shares = [self._share(one, what) for one in self._list(fields, "models", what)]
        fallbacks = [self._fallback(one, what) for one in self._list(fields, "fallbacks", what)]
        attempts, tracking = fields.get("max_attempts"), fields.get("usage_tracking")
        if not shares:
            self._reader.refuse(fields.get("models", node), f"{what} needs 'models': at least one model definition.")
        if attempts and not fallbacks:
            self._reader.refuse(attempts, f"'max_attempts' of {what} counts fallbacks, and it has no 'fallbacks'.")
        most = self._reader.count(attempts, f"'max_attempts' of {what}", MAX_ATTEMPTS) if attempts else 0
        tracked = self._reader.flag(tracking, f"'usage_tracking' of {what}") if tracking else True
        self._refuse_repeats([share.model for share in shares if share], f"'models' of {what}")
        self._refuse_repeats([one for one in fallbacks if one], f"'fallbacks' of {what}")
        return Endpoint(
            name=name,
            line=line,
            models=tuple(one for one in shares if one),
            fallbacks=tuple(one for one in fallbacks if one),
            max_attempts=most or 0,
            tags=self._tags(fields, what),
            usage_tracking=tracked is not False,
        )

    def _tags(self, fields: Mapping[str, yaml.Node], what: str) -> dict[str, str]:
        tags = self._texts(fields, "tags", what)
        for key, value in tags.items():
            try:
                policy.check(key, value)
            except ClientError as problem:
                self._reader.refuse(fields["tags"], f"{what}: {problem.public}")
        return tags

    def _refuse_repeats(self, models: Sequence[Reference], what: str) -> None:
        names = [model.name for model in models]
        for place, model in enumerate(models):
            if model.name in names[:place]:
                self._reader.note(model.line, f"{model.name!r} is in {what} twice.")

    def _share(self, node: yaml.Node, owner: str) -> Share | None:
        """`- name`, or `- {model: name, weight: 2}`."""
        what = f"a model of {owner}"
        if isinstance(node, yaml.ScalarNode):
            model = self._reference(node, node, "model", what)
            return None if model is None else Share(model)
        fields = self._reader.fields(node, what, _SHARE)
        model = self._reference(node, fields.get("model"), "model", what)
        weight = fields.get("weight")
        odds = self._reader.number(weight, f"'weight' of {what}", MAX_WEIGHT) if weight else 1.0
        return None if model is None or odds is None else Share(model, odds)

    def _fallback(self, node: yaml.Node, owner: str) -> Reference | None:
        """`- name`, or `- {model: name}`; a fallback has no weight."""
        what = f"a fallback of {owner}"
        if isinstance(node, yaml.ScalarNode):
            return self._reference(node, node, "model", what)
        return self._reference(node, self._reader.fields(node, what, ("model",)).get("model"), "model", what)

    def _reference(self, owner: yaml.Node, node: yaml.Node | None, key: str, what: str) -> Reference | None:
        name = self._text(owner, {} if node is None else {key: node}, key, what)
        if name is None or node is None:
            return None
        reference = Reference(name, line_of(node))
        self._references_to[key].append(reference)
        return reference

    def _text(self, owner: yaml.Node, fields: Mapping[str, yaml.Node], key: str, what: str) -> str | None:
        if key in fields:
            return self._reader.text(fields[key], f"{key!r} of {what}")
        self._reader.refuse(owner, f"{what} needs {key!r}.")
        return None

    def _optional_text(self, fields: Mapping[str, yaml.Node], key: str, what: str) -> str | None:
        return self._reader.text(fields[key], f"{key!r} of {what}") if key in fields else None

    def _texts(self, fields: Mapping[str, yaml.Node], key: str, what: str) -> dict[str, str]:
        return self._reader.texts(fields[key], f"{key!r} of {what}") if key in fields else {}

    def _list(self, fields: Mapping[str, yaml.Node], key: str, what: str) -> list[yaml.Node]:
        return self._reader.items(fields[key], f"{key!r} of {what}") if key in fields else []
