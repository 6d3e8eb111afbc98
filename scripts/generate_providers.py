"""Write `docs/providers.md` from the providers that can be called.

    python scripts/generate_providers.py [TARGET_FILE]

The result is checked in; `tests/providers/test_providers_page.py` fails when it drifts.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from gatewright.gateway.conversations import CONVERSATIONS, EMBEDDINGS, RERANKS
from gatewright.providers import registry
from gatewright.providers.base import SERVER_PATHS, Provider
from gatewright.providers.fields import Field, Mode, modes

TARGET = Path(__file__).parent.parent / "docs" / "providers.md"

# The dialects of a conversation, by the operation of a whole answer; in the order in which a target is spoken to.
DIALECTS = {
    "messages": "Anthropic Messages",
    "generate_content": "Gemini",
    "converse": "Bedrock Converse",
    "cohere": "Cohere v2",
    "chat": "OpenAI chat",
    "responses": "OpenAI Responses",
    "ollama_chat": "Ollama",
    "ollama_generate": "Ollama",
}
# Operations that only say how a dialect's own answers come.
_PARTS = {"compact"}
# What every wire of a family is for.
_MEANT = {wire.operation: family[0].operation for family in (EMBEDDINGS, RERANKS) for wire in family}

HEAD = """\
# Providers

What `provider` may be in a secret and a model definition. `python scripts/generate_providers.py` writes this page, as
part of `make reference`.

A client may speak any dialect of a conversation to any provider that speaks one of them: where the two differ,
Gatewright translates. So it does with embeddings and rerank, of which each provider has a shape of its own. Every other
operation is passed through, and is served by the providers that list it. For a model server that is what may be asked:
one that has no such model answers so itself.

Fields in **bold** are required. Those marked *secret* belong in `secret_value`, the others in `auth_config`. `api_base`
replaces a provider's own address.

| provider | address | dialects | also | fields |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(f"| {' | '.join(_cells(name))} |\n" for name in registry.names())


def _cells(name: str) -> Iterator[str]:
    row = registry.find(name) or Provider(name=name, title="Any server that speaks OpenAI's API", paths=SERVER_PATHS)
    operations = {operation for model in row.samples for operation in row.ways(model, {})}
    spoken = dict.fromkeys(DIALECTS[one.operation] for one in CONVERSATIONS if one.operation in operations)
    also = sorted({_MEANT.get(one, one) for one in operations - DIALECTS.keys() - _PARTS})
    yield f"`{name}`" + (f"<br>{row.title}" if row.title else "")
    yield f"`{row.base}`" if row.base else "in `api_base`"
    yield ", ".join(spoken) or "-"
    yield ", ".join(one.replace("_", " ") for one in also) or "-"
    forms = [mode for mode in modes(name) if mode.mode in row.modes]
    lines = map(_form, forms) if len(forms) > 1 else (f"{_field(one)}: {one.description}" for one in forms[0].fields)
    yield "<br>".join(lines)


def _form(mode: Mode) -> str:
    """One of several ways to authenticate, in a line."""
    return f"{mode.description}, `auth_mode` `{mode.mode}`: {', '.join(map(_field, mode.fields))}"


def _field(field: Field) -> str:
    shown = f"**`{field.name}`**" if field.required else f"`{field.name}`"
    return shown + (" *secret*" if field.secret else "")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.write_text(page(), "utf-8")
