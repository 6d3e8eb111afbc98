"""The demo's fake provider, its process and its client, over a real socket."""

import http.client
import json
import socket
import threading
import time

import pytest

from gatewright.cli import demo_client, demo_fake
from gatewright.cli.demo_process import Child, free_port
from gatewright.errors import UnavailableError

pytestmark = pytest.mark.slow

ANSWER = "There is no model here, so this is a fixed answer to: Hello"
HELLO = {"model": "any", "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}]}


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """A fake provider that serves."""
    child = Child("fake provider", tmp_path_factory.mktemp("fake") / "log", free_port(), demo_fake.serve, "right")
    child.ready(30)
    yield child.port
    child.stop()


def post(port, path, body, key="right"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {key}"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_the_last_message_is_answered(port):
    """The answer repeats the question, with a usage that adds up."""
    status, text = post(port, "/v1/chat/completions", HELLO)
    answer = json.loads(text)
    assert (status, answer["model"]) == (200, demo_fake.NAME)
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": ANSWER}
    assert answer["usage"] == {"prompt_tokens": 1, "completion_tokens": 13, "total_tokens": 14}


def test_a_stream_is_the_same_answer_in_pieces(port):
    """The pieces joined are the plain answer, and the client sees more than one."""
    pieces = list(demo_client.ask_streamed(port, "right", HELLO))
    assert "".join(pieces) == ANSWER == demo_client.ask(port, "right", HELLO)
    assert len(pieces) > 2


@pytest.mark.parametrize("wanted", [False, True])
def test_a_stream_has_usage_when_it_is_asked_for(port, wanted):
    """With `include_usage`, the last event before the end has it; without, none has."""
    _, text = post(port, "/v1/chat/completions", HELLO | {"stream": True, "stream_options": {"include_usage": wanted}})
    *events, end = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert end == "[DONE]"
    assert [at for at, event in enumerate(events) if "usage" in json.loads(event)] == ([len(events) - 1] * wanted)


def test_embeddings_depend_on_the_text_alone(port):
    """The same text has the same vector, another text another one, in the order of the input."""
    status, text = post(port, "/v1/embeddings", {"model": "any", "input": ["one", "two", "one"]})
    one, two, again = [item["embedding"] for item in json.loads(text)["data"]]
    assert status == 200
    assert one == again != two
    assert json.loads(post(port, "/v1/embeddings", {"model": "any", "input": "two"})[1])["data"][0]["embedding"] == two


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings"])
def test_a_wrong_key_is_refused(port, path):
    """So an answer through the gateway shows that the stored secret was sent."""
    status, _ = post(port, path, HELLO | {"input": "one"}, key="wrong")
    assert status == 401


def test_the_client_says_what_was_answered_instead(port):
    """A status that is not 200 is an error with the answer's text."""
    with pytest.raises(UnavailableError, match=r"answered 401: .*The key is not valid\."):
        demo_client.ask(port, "wrong", HELLO)


def test_a_stream_that_breaks_off_is_an_error():
    """A stream without its end is not taken for an answer."""
    played = b'HTTP/1.0 200 OK\r\n\r\ndata: {"choices": [{"delta": {"content": "Hel"}}]}\n\n'
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        thread = threading.Thread(target=play, args=(server, played))
        thread.start()
        pieces = demo_client.ask_streamed(server.getsockname()[1], "right", HELLO)
        assert next(pieces) == "Hel"
        with pytest.raises(UnavailableError, match="broke off"):
            next(pieces)
        thread.join()


def play(server, answer):
    connection, _ = server.accept()
    with connection:
        asked = b""
        while not asked.endswith(b"}"):
            asked += connection.recv(65536)
        connection.sendall(answer)


def test_a_process_that_cannot_start_says_why(tmp_path, port):
    """A port that another program has is found in the log, and the message names the log."""
    log = tmp_path / "log"
    child = Child("second provider", log, port, demo_fake.serve, "right")
    child._process.join(30)
    assert "address already in use" in child.last_words()
    assert str(log) in child.last_words()
    child.stop()


def test_a_process_that_never_answers_is_not_waited_for_long(tmp_path):
    """The time is over: an error with the log's name; and `stop` ends the process."""
    # It sleeps for as many seconds as its port's number.
    child = Child("silent provider", tmp_path / "log", free_port(), time.sleep)
    try:
        with pytest.raises(UnavailableError, match=r"silent provider did not start within 0 seconds; see .*log"):
            child.ready(0.2)
    finally:
        child.stop()
    assert not child._process.is_alive()


def test_a_free_port_is_kept_and_a_taken_one_replaced():
    """The wanted port when it is free, else another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = taken.getsockname()[1]
        assert free_port(wanted) not in (0, wanted)
    assert free_port(wanted) == wanted
