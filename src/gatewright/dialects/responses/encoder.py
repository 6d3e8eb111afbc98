"""Streamed answers for a client: the conversation's events in, `response.*` events out.

Each thing is told as OpenAI does: an item is added, its parts are added, grow and are done, the item is done; events
are numbered from 0, and the last one holds the whole response. Shapes: OpenAI API reference, "Streaming events"
(https://platform.openai.com/docs/api-reference/responses-streaming).
"""

from gatewright.dialects.conversation import Dropped, Finish, Part, Reasoning, Refusal, Request, Text, ToolCall
from gatewright.dialects.freetext import CustomCalls
from gatewright.dialects.responses.content import Wire
from gatewright.dialects.responses.items import encode_alone, stands_alone
from gatewright.dialects.responses.request import foreign_tier
from gatewright.dialects.responses.response import Ids, end, finish_of, opening
from gatewright.dialects.responses.usage import encode_usage
from gatewright.dialects.responses.wire import NAME
from gatewright.dialects.responses.writers import Call, Content, Log, MessageItem, Thought, Whole
from gatewright.dialects.stream import Began, Counted, Ended, Event, Failed, Finished, PartBegan, PartEnded, PartGrew

# Codes of a failure by HTTP status; OpenAI's SDK knows a fixed set of them.
_CODES = {429: "rate_limit_exceeded", 400: "invalid_prompt"}


class Encoder:
    """Writes one stream.

    Args:
        request: what the client asked; the answer repeats parts of it.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._custom = CustomCalls(request)
        self._log = Log(dropped=Dropped())
        self._response: Wire = {}
        self._writers: dict[int, Content | Call | Thought | Whole] = {}
        self._message: MessageItem | None = None
        self._parts: list[Part] = []
        self._finish: Finish | None = None

    def encode(self, event: Event) -> bytes:
        """The bytes of one event; often none."""
        return b"".join(map(self._write, self._custom.events(event)))

    def _write(self, event: Event) -> bytes:
        match event:
            case PartGrew():
                writer = None if event.candidate else self._writers.get(event.at)
                return b"" if writer is None else writer.grow(event)
            case PartBegan():
                return b"" if event.candidate else self._begin_part(event.at, event.part)
            case PartEnded():
                writer = None if event.candidate else self._writers.pop(event.at, None)
                return b"" if writer is None else writer.end(event)
            case Began():
                return self._begin(event)
            case Counted():
                self._response["usage"] = encode_usage(event.usage, self._log.dropped, same=self._log.same)
            case Finished() if not event.candidate:
                self._finish = event.finish
                self._response |= event.form if self._log.same else {}
            case Failed():
                return self._fail(event)
            case Ended():
                return self._end()
        return b""

    def _begin(self, event: Began) -> bytes:
        self._log.ids, self._log.same = Ids.of(event.id), event.dialect == NAME
        if self._log.same:
            created = {} if event.created is None else {"created_at": event.created}
            self._response = {"id": event.id, "model": event.model, "output": [], **created, **event.form}
        else:
            self._response = opening(self._request, self._log.ids, event.model, event.created)
            self._response |= foreign_tier(event.service_tier, self._log.dropped)
        kinds = ("response.created", "response.in_progress")
        return b"".join(self._log.write(kind, response=self._response) for kind in kinds)

    def _begin_part(self, at: int, part: Part) -> bytes:
        log = self._log
        self._parts.append(part)
        if not stands_alone(part, assistant=True):
            out = b""
            if self._message is None or (log.same and "item" in part.form):
                out = self._close_message()
                self._message = MessageItem(log, part)
                out += self._message.begin()
            if isinstance(part, Text | Refusal):
                self._writers[at] = writer = Content(self._message, part)
                out += writer.begin()
            return out
        closed = self._close_message()
        if isinstance(part, ToolCall):
            self._writers[at] = call = Call(log, part)
            return closed + call.begin()
        if isinstance(part, Reasoning):
            self._writers[at] = thought = Thought(log, part)
            return closed + thought.begin()
        items = encode_alone(part, log.dropped, same=log.same, answer=True)
        if not items:
            return closed
        self._writers[at] = whole = Whole(log, items[0])
        return closed + whole.begin()

    def _close_message(self, status: str = "completed") -> bytes:
        message, self._message = self._message, None
        return b"" if message is None else message.end(status)

    def _end(self) -> bytes:
        ending = end(self._finish or "stop", self._parts)
        out = self._close_message(ending["status"])
        if not self._log.same or finish_of(self._response, self._parts) != self._finish:
            self._response |= ending
        self._response["output"] = self._log.output
        return out + self._log.write(f"response.{ending['status']}", response=self._response)

    def _fail(self, event: Failed) -> bytes:
        code = event.kind or _CODES.get(event.status, "server_error")
        out = self._log.write("error", code=code, message=event.message, param=None)
        if not self._response:
            return out
        error = {"code": _CODES.get(event.status, "server_error"), "message": event.message}
        self._response |= {"status": "failed", "error": error, "output": self._log.output}
        return out + self._log.write("response.failed", response=self._response)
