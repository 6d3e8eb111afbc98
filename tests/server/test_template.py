"""A head that came before on its connection is known without the parser; what is not the same to the byte is parsed."""

import asyncio

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.lanes import AUTHORIZATION, CHAT, LAST, MAX_BODY, PATH, post, until
from gatewright.server.fastlane import LESSONS, FastLane
from gatewright.server.template import LARGEST, Template

pytestmark = pytest.mark.parametrize("form", [FastLane], ids=["fast"])
LIKE = CHAT[:-1] + b',"user":"%b"}' % (b"x" * 100)


class Parsed:
    """What the parser makes of bytes."""

    def __init__(self, data):
        self.headers, self.body, self.whole = [], b"", False
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(data)

    def on_header(self, name, value):
        self.headers.append((name.lower(), value))

    def on_body(self, body):
        self.body += body

    def on_message_complete(self):
        self.whole = True


def learned(data):
    return Template.of(data, Parsed(data).headers)


TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ-_", min_size=1, max_size=12).filter(
    lambda name: name.lower() not in ("content-length", "transfer-encoding", "connection", "upgrade", "expect")
)
VALUES = st.text([chr(code) for code in range(0x20, 0x7F)], max_size=30)
FIELDS = st.lists(st.tuples(TOKENS, VALUES).map(lambda one: f"{one[0]}: {one[1]}".encode()), max_size=6)


@given(before=FIELDS, after=FIELDS, name=st.sampled_from([b"content-length", b"Content-Length"]), data=st.data())
def test_what_is_read_by_a_template_is_what_the_parser_reads(form, before, after, name, data):
    """Whatever the other fields are, and whatever the lengths."""
    bodies = [data.draw(st.binary(max_size=200)) for _ in range(2)]

    def request(body):
        fields = [b"POST /v1/x HTTP/1.1", *before, name + b": %d" % len(body), *after, b"", body]
        return b"\r\n".join(fields)

    first, second = map(request, bodies)
    template = learned(first)
    assert template is not None
    headers, begin, length = template.read(second)
    parsed = Parsed(second)
    assert list(headers) == parsed.headers
    assert second[begin : begin + length] == parsed.body
    assert parsed.whole


@given(at=st.integers(0, 200), byte=st.integers(0, 255))
def test_a_head_with_another_byte_is_not_read(form, at, byte):
    """But for the digits of its length, where what is read is another length."""
    request = post(PATH, CHAT)
    head = request[: -len(CHAT)]
    place = head.index(b"content-length: ") + len(b"content-length: ")
    changed = bytearray(head)
    changed[at % len(head)] = byte
    read = learned(request).read(bytes(changed))
    if bytes(changed) == head:
        assert read[2] == len(CHAT)
    elif at % len(head) < place or at % len(head) >= place + 2 or not chr(byte).isdecimal() or byte > 0x39:
        assert read is None
    else:
        assert read[2] == int(changed[place : place + 2])


HEADERS = [(b"host", b"x"), (b"authorization", b"y"), (b"content-length", b"28")]


@pytest.mark.parametrize(
    ("sent", "headers"),
    [
        (b"POST / HTTP/1.1\r\nhost: x\r\nauthorization: y\r\ntransfer-encoding: chunked\r\n\r\n", None),
        (b"POST / HTTP/1.1\r\nhost: x\r\n\r\n", None),
        (b"POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 28\r\n\r\n", None),
        (b"POST / HTTP/1.1\r\ntrailer: x\r\ncontent-length: 28\r\n\r\n", None),
        (b"POST / HTTP/1.1\r\nx: " + b"y" * LARGEST + b"\r\ncontent-length: 28\r\n\r\n", None),
        (b"\r\nPOST / HTTP/1.1\r\ncontent-length: 28\r\n\r\n", None),
        (b"POST / HTTP/1.1\r\ncontent-length: 28\r\nhost", HEADERS),
        (b"POST / HTTP/1.1\r\nhost: x\r\nauthorization: y\nz: z\r\ncontent-length: 28\r\n\r\n", HEADERS),
        (b"POST / HTTP/1.1\r\nhost: x\r\nauthorization: y\r\ncontent-length: 2\r\n 8\r\n\r\n", HEADERS),
    ],
    ids=["chunks", "no length", "expects", "trailer", "too long", "blank line", "cut", "bare line feed", "folded"],
)
def test_only_a_head_with_one_plain_length_is_learned(form, sent, headers):
    """All others are parsed every time, those too that a parser might forgive."""
    assert Template.of(sent, headers or Parsed(sent).headers) is None


@pytest.mark.parametrize("digits", [b"", b"-1", b"+1", b" 1", b"1 ", b"0x1", b"1_0", b"9" * 16, b"1,1", "٣".encode()])
def test_a_length_that_is_no_plain_number_is_not_read(form, digits):
    """The parser says what becomes of it."""
    request = post(PATH, CHAT)
    assert learned(request).read(request.replace(b": 28\r\n", b": %b\r\n" % digits)) is None


@pytest.fixture
async def primed(opened, state, monkeypatch):
    """A client whose connection has served a request, and whose parser is gone."""
    client = await opened()
    client.send(post(PATH, CHAT))
    assert (await client.answer()).status == 200
    (lane,) = state.connections

    def parse(data):
        raise AssertionError(f"parsed: {data!r}")

    monkeypatch.setattr(lane, "_parse", parse)
    return client


async def test_a_request_like_the_one_before_is_served_without_the_parser(primed, upstream):
    """With a body of its own."""
    for body in (CHAT, LIKE, CHAT):
        primed.send(post(PATH, body))
        assert (await primed.answer()).status == 200
    assert [len(one.body) for one in upstream.requests] == [len(upstream.requests[0].body)] * 2 + [
        len(upstream.requests[2].body),
        len(upstream.requests[0].body),
    ]
    assert b"x" * 100 in upstream.requests[2].body


async def test_its_body_may_come_byte_by_byte(primed, upstream):
    """And is put together."""
    request = post(PATH, LIKE)
    head = len(request) - len(LIKE)
    primed.send(request[:head])
    for at in range(head, len(request)):
        await asyncio.sleep(0)
        primed.send(request[at : at + 1])
    assert (await primed.answer()).status == 200
    assert b"x" * 100 in upstream.requests[-1].body


async def test_a_thousand_of_them_may_be_pipelined(opened, upstream):
    """Whatever the pieces are in which they come; a head that is cut goes to the parser."""
    client = await opened()
    sent = post(PATH, LIKE) * 1000
    for begin in range(0, len(sent), 10_007):
        client.send(sent[begin : begin + 10_007])
    assert {(await client.answer()).status for _ in range(1000)} == {200}
    assert len(upstream.requests) == 1000


async def test_a_body_over_the_limit_is_refused(primed):
    """Before it has come."""
    primed.send(post(PATH, b"").replace(b": 0\r\n", b": %d\r\n" % (MAX_BODY + 1)))
    (answer,) = await primed.answers()
    assert answer.status == 413


async def test_what_follows_a_body_is_the_next_request(opened, upstream):
    """Parsed when it is another one, and refused when it is none."""
    client = await opened()
    client.send(post(PATH, CHAT))
    await client.answer()
    client.send(
        post(PATH, CHAT) + b"GET /v1/models HTTP/1.1\r\nhost: x\r\n" + AUTHORIZATION + b"\r\n\r\n" + post(PATH, LIKE)
    )
    assert [(await client.answer()).status for _ in range(3)] == [200, 200, 200]
    client.send(post(PATH, CHAT) + b"nothing of HTTP\r\n\r\n" + post(PATH, CHAT))
    assert [one.status for one in await client.answers()] == [200, 400]
    assert len(upstream.requests) == 4


async def test_a_client_that_leaves_within_such_a_body_stops_its_request(primed, state, upstream):
    """As any other."""
    primed.send(post(PATH, LIKE)[:-1])
    await until(lambda: state.tasks)
    await primed.close()
    await until(lambda: not state.tasks)
    assert len(upstream.requests) == 1


async def test_a_connection_learns_only_so_often(opened, monkeypatch):
    """A client whose heads are all different is not looked at for ever."""
    learned_from = []
    learn = Template.of
    monkeypatch.setattr(Template, "of", lambda data, headers: learned_from.append(data) or learn(data, headers))
    client = await opened()
    for number in range(LESSONS + 5):
        client.send(post(PATH, CHAT, b"x-number: %d" % number))
        assert (await client.answer()).status == 200
    assert len(learned_from) == LESSONS


async def test_the_last_request_of_a_connection_may_be_like_the_one_before(opened):
    """A head that ends the connection is never learned; it is parsed, and ends it."""
    client = await opened()
    client.send(post(PATH, CHAT) + post(PATH, CHAT, LAST))
    assert [one.status for one in await client.answers()] == [200, 200]
