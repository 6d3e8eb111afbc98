"""The one model every dialect translates to and from: messages of typed parts, tools, and answers.

Each dialect decodes its own wire format to these values and encodes them to its own, so N client dialects and M
provider dialects cost N + M folders. What only the dialect of origin understands stays beside the value in `rest`: an
encoder of the same dialect puts it back, any other reports it as dropped. Nothing here knows a dialect.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from gatewright.dialects.saying import tells

Rest = dict[str, Any]
"""Fields of a wire object that this model has no place for, as they came."""

Role = Literal["system", "developer", "user", "assistant", "tool"]
MediaKind = Literal["image", "audio", "video", "document"]
ToolMode = Literal["auto", "required", "none", "named"]
Finish = Literal["stop", "stop_sequence", "length", "tool_calls", "content_filter", "refusal", "pause", "other"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


@dataclass(slots=True, kw_only=True)
class Node:
    """What every value of the model has.

    Attributes:
        rest: fields only the dialect of origin understands; what another dialect loses.
        form: how the wire wrote what the other fields say, e.g. the id of an item; its dialect of origin puts it back,
            and another loses nothing by leaving it out, so it is not reported.
    """

    rest: Rest = field(default_factory=dict)
    form: Rest = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Citation(Node):
    """Where something that was said comes from: a page (`url`) or a document of the request.

    Attributes:
        url: address of the page; None for a document.
        title: title of the page or document.
        quote: the words of the source.
        document: place of the document among the request's documents, from 0.
        source: the provider's or the client's own id of the source.
        start: where in the text of its part the cited words begin, in characters; None for the whole part.
        end: where they end, exclusive.
    """

    url: str | None = None
    title: str | None = None
    quote: str | None = None
    document: int | None = None
    source: str | None = None
    start: int | None = None
    end: int | None = None


@dataclass(slots=True, kw_only=True)
class TokenScore(Node):
    """How likely a token was.

    Attributes:
        token: its text.
        logprob: natural logarithm of its probability.
        bytes: its UTF-8 bytes; None where the wire does not say.
        top: the likeliest tokens at its place, itself among them where the wire has it so.
    """

    token: str
    logprob: float
    bytes: list[int] | None = None
    top: "list[TokenScore]" = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Text(Node):
    """A piece of text.

    Attributes:
        text: the text.
        citations: where it comes from.
        scores: how likely its tokens were; empty unless asked for.
    """

    text: str
    citations: list[Citation] = field(default_factory=list)
    scores: list[TokenScore] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Refusal(Node):
    """The model declines, in words."""

    text: str


@dataclass(slots=True, kw_only=True)
class Media(Node):
    """An image, a sound, a film or a document; exactly one of `data`, `url`, `file_id` and `text` is set.

    Attributes:
        kind: what it is.
        media_type: MIME type, e.g. `image/png`; None when the wire does not say.
        data: the content in base64.
        url: where it lies.
        file_id: name under which the provider holds it.
        text: the content of a plain-text document.
        name: file name or title.
        detail: how closely an image is looked at, as the wire has it (`low`, `high`, `auto`).
        cited: whether the answer may cite a document; None where the wire does not say.
    """

    kind: MediaKind
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    text: str | None = None
    name: str | None = None
    detail: str | None = None
    cited: bool | None = None


@dataclass(slots=True, kw_only=True)
class Reasoning(Node):
    """What the model thought before it answered.

    Attributes:
        text: the thought or its summary; empty when only the signature or the sealed form is known.
        signature: proves to the provider that the thought is its own; to be sent back unchanged.
        sealed: the thought in a form only the provider can read.
    """

    text: str = ""
    signature: str | None = None
    sealed: str | None = None


@dataclass(slots=True, kw_only=True)
class ToolCall(Node):
    """The model asks for a tool.

    Attributes:
        id: ties the result to the call; made up by the decoder where the wire has none.
        name: the tool's name.
        arguments: a JSON object as text, as the model wrote it.
        signature: as that of `Reasoning`, where a provider signs calls.
        custom: whether the tool takes free text, and `arguments` is that instead (`freetext.py`).
    """

    id: str
    name: str
    arguments: str
    signature: str | None = None
    custom: bool = False


@dataclass(slots=True, kw_only=True)
class ToolResult(Node):
    """What a tool answered.

    Attributes:
        id: the call's.
        name: the tool's name; None where the wire does not say.
        parts: the answer.
        error: whether the tool failed; None where the wire does not say.
        bare: whether the wire had the answer as one plain string.
    """

    id: str
    name: str | None = None
    parts: "list[Part]" = field(default_factory=list)
    error: bool | None = None
    bare: bool = False


@dataclass(slots=True, kw_only=True)
class Native(Node):
    """A part that only its own dialect understands; all of it is in `rest`."""


Part = Text | Refusal | Media | Reasoning | ToolCall | ToolResult | Native


@dataclass(slots=True, kw_only=True)
class Message(Node):
    """One turn, or a part of one.

    Attributes:
        role: who speaks. System prompts are messages, in their place among the others.
        parts: what is said, in order.
        bare: whether the wire had the content as one plain string.
    """

    role: Role
    parts: list[Part] = field(default_factory=list)
    bare: bool = False


@dataclass(slots=True, kw_only=True)
class Tool(Node):
    """A function the model may call.

    Attributes:
        name: its name.
        description: what it does; None when not said.
        schema: JSON Schema of its arguments; None when not said.
        strict: whether arguments must follow the schema; None when not said.
        custom: whether it takes free text; `schema` is then that of the function which stands for it elsewhere.
        grammar: `syntax` and `definition` of a grammar that the free text must follow; None for any text.
    """

    name: str
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    custom: bool = False
    grammar: dict[str, Any] | None = None


@dataclass(slots=True, kw_only=True)
class ToolChoice(Node):
    """Whether, and which, tool must be called.

    Attributes:
        mode: the model's choice, at least one, none, or the named one.
        name: the tool's name when `mode` is `named`.
        parallel: whether several may be called at once; None when not said.
    """

    mode: ToolMode
    name: str | None = None
    parallel: bool | None = None


@dataclass(slots=True, kw_only=True)
class OutputFormat(Node):
    """The shape the answer must have.

    Attributes:
        schema: JSON Schema; None for any JSON object.
        name: the schema's name; None when not said.
        strict: whether the schema is enforced; None when not said.
    """

    schema: dict[str, Any] | None = None
    name: str | None = None
    strict: bool | None = None


@dataclass(slots=True, kw_only=True)
class Request(Node):
    """A request for an answer. A parameter that is None was not sent.

    Attributes:
        dialect: name of the dialect of origin; an encoder of the same one puts every `rest` back.
        model: as the client wrote it; the target's own name takes its place.
        messages: the conversation so far.
        tools: functions the model may call; `choice` says whether it must.
        max_tokens: most tokens of the answer.
        stop: texts that end the answer.
        effort: how much to think; `thinking_tokens` is the same as a number of tokens.
        stream: whether to answer in events; `stream_usage` asks for usage at the end of one.
        service_tier: `auto`, `default`, `priority`, … as the wire has it.
    """

    dialect: str
    model: str
    messages: list[Message] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)
    choice: ToolChoice | None = None
    output: OutputFormat | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: list[str] | None = None
    seed: int | None = None
    candidates: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    effort: Effort | None = None
    thinking_tokens: int | None = None
    service_tier: str | None = None
    user: str | None = None
    stream: bool | None = None
    stream_usage: bool | None = None


@dataclass(slots=True, kw_only=True)
class Usage(Node):
    """Tokens, in buckets that do not overlap: each token is in one, so they sum to the total by construction.

    Attributes:
        input: prompt tokens paid in full: text, read from no cache and written to none.
        cache_read: prompt tokens read from a cache.
        cache_write_5m: prompt tokens written to a cache for five minutes (or an unnamed time).
        cache_write_1h: prompt tokens written to a cache for an hour.
        input_audio: prompt tokens of sound.
        input_image: prompt tokens of images and film.
        output: answer tokens but for those below.
        reasoning: tokens of thought.
        output_audio: answer tokens of sound.
        output_image: answer tokens of images.
    """

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    input_audio: int = 0
    input_image: int = 0
    output: int = 0
    reasoning: int = 0
    output_audio: int = 0
    output_image: int = 0

    @property
    def prompt(self) -> int:
        """All prompt tokens."""
        written = self.cache_write_5m + self.cache_write_1h
        return self.input + self.cache_read + written + self.input_audio + self.input_image

    @property
    def answer(self) -> int:
        """All answer tokens."""
        return self.output + self.reasoning + self.output_audio + self.output_image

    @property
    def total(self) -> int:
        """All tokens."""
        return self.prompt + self.answer


@dataclass(slots=True, kw_only=True)
class Candidate(Node):
    """One answer of possibly several; most requests ask for one.

    Attributes:
        parts: what is said, in order.
        finish: why it ended; None while it has not.
        stop_text: the stop text that ended it, where the wire says.
    """

    parts: list[Part] = field(default_factory=list)
    finish: Finish | None = None
    stop_text: str | None = None


@dataclass(slots=True, kw_only=True)
class Answer(Node):
    """A whole answer.

    Attributes:
        dialect: name of the dialect of origin.
        id: the provider's name for it.
        model: the model that answered, as the provider calls it.
        created: seconds since the epoch; None where the wire does not say.
        candidates: the answers; one unless more were asked for.
        usage: None where the wire does not say.
        service_tier: the tier that served it, as the wire has it; None where it does not say.
    """

    dialect: str
    id: str = ""
    model: str = ""
    created: int | None = None
    candidates: list[Candidate] = field(default_factory=list)
    usage: Usage | None = None
    service_tier: str | None = None


class Dropped(set[str]):
    """The fields a translation had to leave out, by name; told to the client in `x-gatewright-dropped`."""

    def rest(self, node: Node, *, same: bool) -> Rest:
        """What stands beside a value's own fields: all of `rest` in its own dialect, else nothing, with a note.

        Args:
            node: the value that is being encoded.
            same: whether the encoder's dialect is the dialect of origin.
        """
        if same:
            return node.rest
        answered = isinstance(node, Answer | Candidate | Usage)
        self.update(name for name, value in node.rest.items() if tells(value, answered=answered))
        return {}

    def native(self, part: Native) -> None:
        """Note a part that only another dialect understands: by its type, or where it has none by its fields."""
        if isinstance(kind := part.rest.get("type"), str):
            self.add(kind)
        else:
            self.rest(part, same=False)
