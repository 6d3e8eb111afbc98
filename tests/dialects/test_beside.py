"""What stands beside a text and a picture in every conversation dialect: citations, token scores, detail, the tier."""

import copy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.conformance import sdk
from gatewright.dialects import chat, generate_content, messages, responses
from gatewright.dialects.conversation import (
    Answer,
    Candidate,
    Citation,
    Dropped,
    Media,
    Message,
    Request,
    Text,
    TokenScore,
    Usage,
)
from gatewright.dialects.stream import Began, Counted, Ended, Finished, PartBegan, PartEnded, PartGrew

DIALECTS = {module.NAME: module for module in (chat, messages, generate_content, responses)}
PLACED = ("chat", "generate_content", "responses")  # those that say which part of a text cites something
SCORED = ("chat", "generate_content", "responses")
PAGE = "https://example.com/a"
FIRST, SECOND = "Zoë said: ", "Ünder the sea."
SCORES = [TokenScore(token="Zoë", logprob=-0.5, bytes=[90, 111, 195, 171])]
SCORES[0].top = [TokenScore(token="Zoë", logprob=-0.5), TokenScore(token="Bob", logprob=-2.0)]


def cited(**more):
    return Citation(url=PAGE, title="A page", **more)


def answer(*parts, **more):
    candidate = Candidate(parts=list(parts), finish="stop")
    return Answer(dialect="other", id="r-1", model="m", created=1, candidates=[candidate], usage=Usage(), **more)


def asked(dialect="other"):
    return Request(dialect=dialect, model="m", messages=[Message(role="user", parts=[Text(text="Hi")])])


def returned(dialect, whole):
    """An answer as a client of a dialect has it, read again; and what was dropped. The SDK reads it too."""
    dropped = Dropped()
    made = DIALECTS[dialect].encode_answer(copy.deepcopy(whole), asked(), dropped)
    wire = msgspec.json.encode(made)
    sdk.read_answer(dialect, wire)
    return DIALECTS[dialect].decode_answer(msgspec.json.decode(wire)), dropped


def streamed(dialect, *grown, tier=None, parts=(FIRST, SECOND)):
    """The bytes of a stream of some texts; each of `grown` belongs to the last one."""
    began = Began(id="r-1", model="m", created=1, dialect="other", service_tier=tier)
    events = [began]
    for at, text in enumerate(parts):
        events += [PartBegan(at=at, part=Text(text="")), PartGrew(at=at, text=text)]
        if at == len(parts) - 1:
            events += [copy.deepcopy(one) for one in grown]
        events.append(PartEnded(at=at))
    events += [Counted(usage=Usage(input=1, output=1)), Finished(finish="stop"), Ended()]
    encoder = DIALECTS[dialect].Encoder(asked())
    return b"".join(encoder.encode(event) for event in events)


def read(dialect, raw):
    decoder = DIALECTS[dialect].Decoder()
    return [*decoder.feed(raw), *decoder.end()]


def quoted(events):
    """What each text of a stream cites, as the cited words and the page."""
    texts, found = {}, []
    for event in events:
        if isinstance(event, PartGrew):
            texts[event.at] = texts.get(event.at, "") + event.text
    for event in events:
        if isinstance(event, PartGrew):
            found += [(texts[event.at][one.start : one.end], one.url, one.title) for one in event.citations]
    return found


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_page_that_a_whole_text_cites_is_told_in_every_dialect(dialect):
    """The second of two texts cites; the cited words are its own, though chat and Gemini have one text."""
    back, dropped = returned(dialect, answer(Text(text=FIRST), Text(text=SECOND, citations=[cited()])))
    texts = [part for part in back.candidates[0].parts if isinstance(part, Text)]
    found = [(text.text[one.start : one.end], one.url, one.title) for text in texts for one in text.citations]
    assert found == [(SECOND, PAGE, "A page")]
    assert not dropped


@pytest.mark.parametrize("dialect", PLACED)
def test_the_place_of_a_citation_is_kept(dialect):
    """Characters here are bytes in Gemini, and count from the beginning of the answer in chat."""
    back, dropped = returned(dialect, answer(Text(text=FIRST), Text(text=SECOND, citations=[cited(start=1, end=5)])))
    texts = [part for part in back.candidates[0].parts if isinstance(part, Text)]
    assert [text.text[one.start : one.end] for text in texts for one in text.citations] == [SECOND[1:5]]
    assert not dropped


def test_messages_notes_that_the_place_of_a_citation_is_lost():
    """There all of a block cites; which words of it do is lost, and said so."""
    back, dropped = returned("messages", answer(Text(text=SECOND, citations=[cited(start=1, end=5)])))
    assert [one.url for one in back.candidates[0].parts[0].citations] == [PAGE]
    assert dropped == {"citations.start"}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("place", [{}, {"start": 1, "end": 5}])
def test_a_streamed_citation_is_told_in_every_dialect(dialect, place):
    """A citation comes after the words it is of; the SDK and our own decoder read it."""
    raw = streamed(dialect, PartGrew(at=1, citations=[cited(**place)]))
    words = SECOND if dialect == "messages" else SECOND[place.get("start") : place.get("end")]
    assert quoted(read(dialect, raw)) == [(words, PAGE, "A page")]
    sdk.read_stream(dialect, raw)


def test_a_chat_stream_tells_all_citations_at_once():
    """OpenAI's SDK cannot join annotations of several chunks, so those of all texts come with the finish reason."""
    events = [Began(dialect="other")]
    for at, text in enumerate((FIRST, SECOND)):
        grown = [PartGrew(at=at, citations=[cited(start=0, end=3)]), PartGrew(at=at, text=text)]
        events += [PartBegan(at=at, part=Text(text="")), *grown, PartEnded(at=at)]
    encoder = chat.Encoder(asked())
    raw = b"".join(encoder.encode(event) for event in [*events, Finished(finish="stop"), Ended()])
    told = sdk.read_stream("chat", raw)["choices"][0]["message"]["annotations"]
    begins = [one["url_citation"]["start_index"] for one in told]
    assert begins == [0, len(FIRST)]


def test_a_stream_of_responses_ends_with_the_citations_it_told():
    """They are told one by one, and again in the part and the item they belong to."""
    raw = streamed("responses", PartGrew(at=1, citations=[cited()]))
    events = [msgspec.json.decode(line[6:]) for line in raw.decode().split("\n") if line.startswith("data: {")]
    added = [event["annotation"] for event in events if event["type"] == "response.output_text.annotation.added"]
    assert len(added) == 1
    assert events[-1]["response"]["output"][0]["content"][1]["annotations"] == added


@pytest.mark.parametrize(
    ("dialect", "lost"),
    [
        ("chat", {"citations"}),
        ("messages", set()),
        ("generate_content", {"citations.document"}),
        ("responses", {"citations.quote", "citations.document"}),
    ],
)
def test_a_cited_document_is_told_where_a_dialect_has_a_word_for_one(dialect, lost):
    """Chat cites pages alone; what else is lost is named."""
    source = Citation(title="notes.pdf", quote="the words", document=1, source="file-1")
    back, dropped = returned(dialect, answer(Text(text=SECOND, citations=[source])))
    found = [one for part in back.candidates[0].parts for one in part.citations]
    assert [one.title for one in found] == ([] if dialect == "chat" else ["notes.pdf"])
    assert dropped == lost
    if dialect == "messages":
        assert [(one.document, one.quote, one.source) for one in found] == [(1, "the words", "file-1")]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_citation_that_says_nothing_is_named_as_lost(dialect):
    """What only its own dialect understands is no citation for another."""
    _, dropped = returned(dialect, answer(Text(text=SECOND, citations=[Citation(rest={"annotations": {"type": "x"}})])))
    assert dropped == {"annotations", "citations"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_request_asks_with_what_an_earlier_answer_cited(dialect):
    """No provider takes another's citations back; that they are left out is said."""
    request = asked()
    request.messages.append(Message(role="assistant", parts=[Text(text="So.", citations=[cited()], scores=SCORES)]))
    dropped = Dropped()
    made = DIALECTS[dialect].encode_request(request, "m", dropped)
    assert PAGE not in str(made)
    assert dropped == {"citations", "logprobs"}


@pytest.mark.parametrize("dialect", SCORED)
def test_token_scores_are_told_where_a_dialect_has_them(dialect):
    """Chosen tokens, and the likeliest at each place."""
    back, dropped = returned(dialect, answer(Text(text="Zoë", scores=SCORES)))
    (text,) = back.candidates[0].parts
    assert [(one.token, one.logprob) for one in text.scores] == [("Zoë", -0.5)]
    assert [(one.token, one.logprob) for one in text.scores[0].top] == [("Zoë", -0.5), ("Bob", -2.0)]
    assert not dropped
    if dialect != "generate_content":
        assert text.scores[0].bytes == SCORES[0].bytes


@pytest.mark.parametrize("dialect", SCORED)
def test_streamed_token_scores_come_with_their_text(dialect):
    """Each piece of text brings the scores of its tokens; the SDK reads them too."""
    raw = streamed(dialect, PartGrew(at=0, text="Zoë", scores=SCORES), parts=("",))
    grown = [event for event in read(dialect, raw) if isinstance(event, PartGrew) and event.scores]
    assert [(event.text, event.scores[0].token, event.scores[0].top[1].token) for event in grown] == [
        ("Zoë", "Zoë", "Bob")
    ]
    sdk.read_stream(dialect, raw)


def test_messages_names_token_scores_as_lost():
    """It has no place for them."""
    _, dropped = returned("messages", answer(Text(text="Zoë", scores=SCORES)))
    assert dropped == {"logprobs"}


@pytest.mark.parametrize(
    ("dialect", "model", "detail", "lost"),
    [
        ("chat", "m", "high", set()),
        ("chat", "m", "medium", {"detail"}),
        ("responses", "m", "low", set()),
        ("responses", "m", "medium", {"detail"}),
        ("generate_content", "gemini-3-pro", "high", set()),
        ("generate_content", "gemini-2.5-pro", "high", {"detail"}),
        ("messages", "claude-opus-4-1", "high", {"detail"}),
        ("messages", "claude-opus-4-1", "auto", set()),
    ],
)
def test_how_closely_an_image_is_looked_at_is_told_or_named_as_lost(dialect, model, detail, lost):
    """OpenAI has `detail`, Gemini 3 a resolution for each part, Messages nothing."""
    image = Media(kind="image", media_type="image/png", data="QQ==", detail=detail)
    request, dropped = Request(dialect="other", model="m", messages=[Message(role="user", parts=[image])]), Dropped()
    made = DIALECTS[dialect].encode_request(request, model, dropped)
    assert dropped == lost
    back = DIALECTS[dialect].decode_request(msgspec.json.decode(msgspec.json.encode(made)))
    told = next(part for message in back.messages for part in message.parts if isinstance(part, Media)).detail
    if dialect != "messages" and not lost:
        assert told == detail
    else:
        assert told in (None, "auto")


@pytest.mark.parametrize(
    ("dialect", "lost"), [("chat", {"citations"}), ("responses", {"citations"}), ("generate_content", {"citations"})]
)
def test_that_a_document_may_be_cited_is_for_messages_alone(dialect, lost):
    """Others cannot be asked to cite a document, and say so."""
    body = {
        "model": "m",
        "messages": [
            {
                "role": "user",
                "content": [
                    {
                        "type": "document",
                        "source": {"type": "base64", "media_type": "application/pdf", "data": "QQ=="},
                        "citations": {"enabled": True},
                    }
                ],
            }
        ],
    }
    request = messages.decode_request(copy.deepcopy(body))
    assert request.messages[0].parts[0].cited is True
    assert messages.encode_request(request, "m", Dropped()) == body
    dropped = Dropped()
    DIALECTS[dialect].encode_request(request, "m", dropped)
    assert dropped == lost
    request.dialect, dropped = "other", Dropped()
    assert messages.encode_request(request, "m", dropped)["messages"] == body["messages"]
    assert not dropped


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_tier_that_serves_a_stream_is_told_in_every_dialect(dialect):
    """By the name each has for it, and read back as what others call it."""
    raw = streamed(dialect, tier="default")
    sdk.read_stream(dialect, raw)
    assert (b'"standard"' if dialect in ("messages", "generate_content") else b'"default"') in raw
    if dialect != "generate_content":  # which tells it at the end
        assert read(dialect, raw)[0].service_tier == "default"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_tier_that_a_dialect_does_not_know_is_named_as_lost(dialect):
    """`batch` is Anthropic's alone."""
    back, dropped = returned(dialect, answer(Text(text="Hi"), service_tier="batch"))
    assert (back.service_tier, dropped) == (("batch", set()) if dialect == "messages" else (None, {"service_tier"}))


def test_a_page_found_elsewhere_does_not_go_back_to_anthropic():
    """Its API checks the index of a cited page, and another provider's has none."""
    made = messages.encode_answer(answer(Text(text="So.", citations=[cited()])), asked(), Dropped())
    turn = {"role": "assistant", "content": made["content"]}
    body = {"model": "m", "max_tokens": 5, "messages": [turn]}
    assert b"gatewrightSignedBy" in msgspec.json.encode(body)  # so that the request is read and not passed through
    again = messages.encode_request(messages.decode_request(body), "m", Dropped())
    assert again["messages"] == [{"role": "assistant", "content": [{"type": "text", "text": "So."}]}]


def test_citations_of_gemini_lie_where_their_bytes_are():
    """Places are counted over all text of an answer but its thoughts, or in the part that is named."""
    chunks = [{"web": {"uri": PAGE, "title": "A page", "domain": "example.com"}}, {"web": "broken"}]
    supports = [
        {"segment": {"startIndex": 11, "endIndex": 17}, "groundingChunkIndices": [0, 7, "x"]},
        {"segment": {"partIndex": 2, "startIndex": 0, "endIndex": 6}, "groundingChunkIndices": [0]},
        "broken",
    ]
    body = {
        "candidates": [
            {
                "content": {"parts": [{"text": "Hm", "thought": True}, {"text": FIRST}, {"text": SECOND}]},
                "finishReason": "STOP",
                "groundingMetadata": {"groundingChunks": chunks, "grounding_supports": supports, "x": 1},
                "citationMetadata": {
                    "citationSources": [{"startIndex": 0, "endIndex": 4, "uri": PAGE, "license": "mit"}]
                },
            }
        ],
        "responseId": "r",
    }
    read_ = generate_content.decode_answer(copy.deepcopy(body))
    _, first, second = read_.candidates[0].parts
    assert [(first.text[one.start : one.end], one.url) for one in first.citations] == [("Zoë", PAGE)]
    assert [second.text[one.start : one.end] for one in second.citations] == ["Ünder", "Ünder"]
    assert generate_content.encode_answer(read_, asked("generate_content"), Dropped()) == body
    dropped = Dropped()
    chat.encode_answer(read_, asked("chat"), dropped)
    assert {"groundingMetadata.x", "groundingMetadata.domain", "citationMetadata.license"} <= dropped


def test_a_stream_of_gemini_cites_even_if_a_signature_ends_its_text():
    """The last chunk brings both; the citations are of the text before."""
    grounding = {
        "groundingChunks": [{"web": {"uri": PAGE, "title": "A page"}}],
        "groundingSupports": [{"segment": {"endIndex": 4}, "groundingChunkIndices": [0]}],
    }
    chunks = [
        {"candidates": [{"content": {"parts": [{"text": FIRST}]}}]},
        {
            "candidates": [
                {
                    "content": {"parts": [{"text": "", "thoughtSignature": "c2ln"}]},
                    "finishReason": "STOP",
                    "groundingMetadata": grounding,
                }
            ]
        },
        {"candidates": [{"content": {"parts": []}, "finishReason": "STOP", "groundingMetadata": grounding}]},
    ]
    raw = b"".join(b"data: " + msgspec.json.encode(chunk) + b"\n\n" for chunk in chunks)
    assert quoted(read("generate_content", raw)) == [("Zoë", PAGE, "A page")]


def test_citations_of_a_chat_stream_wait_for_their_text():
    """Annotations may come first; places are the answer's, and an earlier text that ended takes no more."""
    page = {"url": PAGE, "title": "A page"}
    deltas = [
        {"annotations": [{"type": "url_citation", "url_citation": page | {"start_index": 0, "end_index": 3}}]},
        {"content": FIRST},
        {"reasoning_content": "Hm"},
        {"content": SECOND},
        {"annotations": [{"type": "url_citation", "url_citation": page | {"start_index": 10, "end_index": 15}}]},
        {"annotations": [{"type": "url_citation", "url_citation": page | {"start_index": 0, "end_index": 3}}, "odd"]},
    ]
    chunks = [{"id": "c", "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    raw = b"".join(b"data: " + msgspec.json.encode(chunk) + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
    events = read("chat", raw)
    assert quoted(events)[:2] == [("Zoë", PAGE, "A page"), ("Ünder", PAGE, "A page")]
    finished = next(event for event in events if isinstance(event, Finished))
    assert finished.rest["delta"]["annotations"] == [deltas[5]["annotations"][0]]


@pytest.mark.parametrize("wrong", [{"token": 1, "logprob": 0.0}, {"token": "a"}, {"token": "a", "logprob": True}, 3])
def test_scores_of_another_shape_stay_as_they_came(wrong):
    """They are no scores, and go back to a client of the same dialect unchanged."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}
    body = {
        "id": "c",
        "object": "chat.completion",
        "model": "m",
        "choices": [choice | {"logprobs": {"content": [wrong]}}],
    }
    found = chat.decode_answer(copy.deepcopy(body))
    assert found.candidates[0].parts == [Text(text="a")]
    assert chat.encode_answer(found, asked("chat"), Dropped()) == body


def test_scores_of_gemini_leave_out_a_logarithm_of_zero():
    """Protocol buffers leave out zeros; a token that was certain has one."""
    result = {"chosenCandidates": [{"token": "a"}], "topCandidates": [{"candidates": [{"token": "a", "tokenId": 4}]}]}
    body = {"candidates": [{"content": {"parts": [{"text": "a"}]}, "logprobsResult": result}], "responseId": "r"}
    found = generate_content.decode_answer(copy.deepcopy(body))
    (text,) = found.candidates[0].parts
    assert [(one.token, one.logprob, one.top[0].token) for one in text.scores] == [("a", 0, "a")]
    assert generate_content.encode_answer(found, asked("generate_content"), Dropped()) == body


WORDS = (
    *("type", "url_citation", "url", "title", "start_index", "end_index", "file_citation", "file_id", "index"),
    *("char_location", "web_search_result_location", "cited_text", "document_index", "groundingChunks", "web", "uri"),
    *("groundingSupports", "segment", "startIndex", "endIndex", "partIndex", "groundingChunkIndices", "citations"),
    *("chosenCandidates", "topCandidates", "candidates", "token", "logProbability", "logprob", "top_logprobs"),
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=20,
)


@given(values, values, st.text(max_size=8))
def test_side_information_of_any_shape_is_read_or_kept(found, other, text):
    """It never makes an answer unreadable, and what was read of it can be written in every dialect."""
    candidate = {"content": {"parts": [{"text": text}]}, "groundingMetadata": found, "citationMetadata": other}
    bodies = {
        "chat": {"choices": [{"message": {"content": text, "annotations": [found]}, "logprobs": {"content": [other]}}]},
        "messages": {"type": "message", "content": [{"type": "text", "text": text, "citations": [found]}]},
        "generate_content": {"candidates": [candidate | {"logprobsResult": found}], "responseId": "r"},
        "responses": {
            "id": "r",
            "model": "m",
            "output": [
                {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": text, "annotations": [found], "logprobs": [other]}],
                }
            ],
        },
    }
    for dialect, body in bodies.items():
        read_ = DIALECTS[dialect].decode_answer(copy.deepcopy(body))
        for client in DIALECTS.values():
            msgspec.json.encode(client.encode_answer(read_, asked(), Dropped()))
