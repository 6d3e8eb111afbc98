"""What a client makes of an answer, by the vendors' pages and their own clients; nothing of Gatewright is used here.

- Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html, section 9.2.6
- Errors: https://platform.openai.com/docs/guides/error-codes, https://docs.anthropic.com/en/api/errors,
  https://cloud.google.com/apis/design/errors, and of Responses the `error` and `response.failed` events of
  https://platform.openai.com/docs/api-reference/responses-streaming
"""

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from fixtures.lanes import Answered

ANSWER = "answer"
ERROR = "error"
BROKEN = "error event"
STRAY = "stray"


class Heard(NamedTuple):
    """What a client has heard.

    Attributes:
        kind: `answer`, complete and well formed; `error`, an error status with the dialect's body; `error event`, a
            stream that says in its dialect that it has failed; anything else says what is wrong with it.
        text: what the model has said.
    """

    kind: str
    text: str = ""


class UnfitError(Exception):
    """An answer that a client cannot take."""


class FailedError(Exception):
    """A stream has said that it failed."""


def hear(dialect: str, answered: Answered, *, stream: bool) -> Heard:
    """Read an answer as a client of a dialect does."""
    media = answered.headers.get(b"content-type", b"").partition(b";")[0]
    if not answered.whole:
        return Heard("an answer without its end")
    try:
        if answered.status != 200:
            _need(media == b"application/json", "an error that is not JSON")
            ERRORS[dialect](json.loads(answered.body), answered.status)
            return Heard(ERROR)
        if not stream:
            _need(media == b"application/json", "an answer that is not JSON")
            return Heard(ANSWER, WHOLE[dialect](json.loads(answered.body)))
        _need(media == b"text/event-stream", "no stream")
        return _follow(STREAMS[dialect](), events(answered.body))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, UnfitError) as problem:
        what = str(problem) if isinstance(problem, UnfitError) else "what its reader cannot read"
        return Heard(what)


def events(raw: bytes) -> list[tuple[str, str]]:
    """The events of a stream, each its name and its data; an event without its blank line is none.

    Lines with no field of the format are ignored, but for JSON in lines of their own, which Google's client takes for
    an error: they are an event without a name.
    """
    found = []
    *blocks, last = raw.decode().replace("\r\n", "\n").split("\n\n")
    for block in blocks:
        fields = [line.partition(":") for line in block.strip("\n").split("\n")]
        data = [value.removeprefix(" ") for name, _, value in fields if name == "data"]
        name = next((value.strip() for name, _, value in fields if name == "event"), "")
        if data:
            found.append((name, "\n".join(data)))
        elif block.strip().startswith("{"):
            found.append((STRAY, block))
    return [*found, (STRAY, last)] if last.strip().startswith("{") else found


def _follow(reader: "Reader", found: list[tuple[str, str]]) -> Heard:
    """Everything up to the end of a stream, or up to where it says that it failed."""
    try:
        for name, data in found:
            reader.read(name, data)
    except FailedError:
        return Heard(BROKEN, reader.text)
    except UnfitError as problem:
        return Heard(str(problem), reader.text)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return Heard("an event that its reader cannot read", reader.text)
    return Heard(ANSWER if reader.ended else "a stream without its end", reader.text)


def _need(fact: object, otherwise: str) -> None:
    if not fact:
        raise UnfitError(otherwise)


# Errors.


OTHER = "an error of another dialect"


def _openai_error(found: Any, _status: int = 0) -> None:
    _need(found.keys() == {"error"}, OTHER)
    _openai_problem(found["error"])


def _openai_problem(error: Any) -> None:
    _need(isinstance(error["message"], str) and error["message"] and isinstance(error["type"], str), OTHER)


def _anthropic_error(found: Any, _status: int = 0) -> None:
    error = found["error"]
    _need(found["type"] == "error" and "sequence_number" not in found and isinstance(error["type"], str), OTHER)
    _need(isinstance(error["message"], str) and error["message"], OTHER)


def _google_error(found: Any, status: int = 0) -> None:
    error = found["error"]
    _need(found.keys() == {"error"} and isinstance(error["code"], int) and status in (0, error["code"]), OTHER)
    _need(error["message"] and re.fullmatch("[A-Z_]+", error["status"]), OTHER)


ERRORS: dict[str, Callable[[Any, int], None]] = {
    "chat": _openai_error,
    "responses": _openai_error,
    "messages": _anthropic_error,
    "generateContent": _google_error,
}


# Whole answers.


def _chat(found: Any) -> str:
    [choice] = found["choices"]
    _need(found["object"] == "chat.completion" and choice["message"]["role"] == "assistant", "another answer")
    _need(choice["finish_reason"] == "stop", "an answer that is not complete")
    return choice["message"]["content"]


def _response(found: Any) -> str:
    _need(found["object"] == "response" and not found["error"], "another answer")
    _need(found["status"] == "completed", "an answer that is not complete")
    [message] = found["output"]
    _need(message["type"] == "message" and message["role"] == "assistant", "another answer")
    return "".join(part["text"] for part in message["content"] if part["type"] == "output_text")


def _message(found: Any) -> str:
    _need(found["type"] == "message" and found["role"] == "assistant", "another answer")
    _need(found["stop_reason"] == "end_turn", "an answer that is not complete")
    return "".join(block["text"] for block in found["content"])


def _content(found: Any) -> str:
    [candidate] = found["candidates"]
    _need(candidate["finishReason"] == "STOP", "an answer that is not complete")
    return "".join(part["text"] for part in candidate["content"]["parts"])


WHOLE: dict[str, Callable[[Any], str]] = {
    "chat": _chat,
    "responses": _response,
    "messages": _message,
    "generateContent": _content,
}


# Streams.


class Reader:
    """What a client makes of a stream.

    Attributes:
        text: what was said so far.
        ended: whether the stream has said that it is complete.
    """

    def __init__(self) -> None:
        self.text = ""
        self.ended = False

    def read(self, name: str, data: str) -> None:
        """Take one event; FailedError when it is an error."""
        if name != STRAY:
            _need(not self.ended, "an event after the end")
            self.take(name, data)

    def take(self, name: str, data: str) -> None:
        """Take one event that the format knows."""
        raise NotImplementedError


class Chat(Reader):
    finish = None

    def take(self, _name: str, data: str) -> None:
        if data == "[DONE]":
            _need(self.finish == "stop", "an end without its reason")
            self.ended = True
            return
        found = json.loads(data)
        if found.get("error"):
            _openai_error(found)
            raise FailedError
        _need(found["object"] == "chat.completion.chunk", "another event")
        for choice in found["choices"]:
            _need(self.finish is None, "words after their end")
            self.text += choice["delta"].get("content") or ""
            self.finish = choice["finish_reason"]


class Responses(Reader):
    opened = False
    at = 0

    def take(self, name: str, data: str) -> None:
        found = json.loads(data)
        kind = found.get("type")
        if kind == "error":
            _need(isinstance(found["sequence_number"], int), OTHER)
            _openai_problem(found.get("error", found))
            raise FailedError
        _need(not found.get("error"), OTHER)
        _need(kind == name, "an event of another name")
        _need(found["sequence_number"] == self.at, "an event out of turn")
        self.at += 1
        if kind == "response.failed":
            _need(found["response"]["status"] == "failed" and found["response"]["error"]["message"], OTHER)
            raise FailedError
        _need(self.opened or kind == "response.created", "an event before the beginning")
        self.opened = True
        if kind == "response.output_text.delta":
            self.text += found["delta"]
        elif kind == "response.completed":
            _need(_response(found["response"]) == self.text, "an end that says something else")
            self.ended = True


class Messages(Reader):
    began = stopped = inside = False

    def take(self, name: str, data: str) -> None:
        found = json.loads(data)
        kind = found["type"]
        _need(kind == name, "an event of another name")
        if kind == "error":
            _anthropic_error(found)
            raise FailedError
        _need(self.began or kind in ("message_start", "ping"), "an event before the beginning")
        if kind == "message_start":
            self.began = True
        elif kind in ("content_block_start", "content_block_stop"):
            _need(self.inside == (kind == "content_block_stop"), "a block out of turn")
            self.inside = not self.inside
        elif kind == "content_block_delta":
            _need(self.inside, "words outside of a block")
            self.text += found["delta"]["text"]
        elif kind == "message_delta":
            _need(not self.inside and found["delta"]["stop_reason"] == "end_turn", "an answer that is not complete")
            self.stopped = True
        elif kind == "message_stop":
            _need(self.stopped, "an end without its reason")
            self.ended = True


class Gemini(Reader):
    def read(self, name: str, data: str) -> None:
        found = json.loads(data)
        if "error" in found:
            _google_error(found)
            raise FailedError
        _need(name != STRAY and not self.ended, "an event after the end")
        for candidate in found["candidates"]:
            self.text += "".join(part["text"] for part in candidate.get("content", {}).get("parts", []))
            self.ended = candidate.get("finishReason") == "STOP"


STREAMS: dict[str, Callable[[], Reader]] = {
    "chat": Chat,
    "responses": Responses,
    "messages": Messages,
    "generateContent": Gemini,
}
