"""Each vendor's own SDK through a real server to a model that speaks OpenAI's chat completions."""

import anthropic
import openai
import pytest
from google import genai

MESSAGES = [{"role": "user", "content": "Who are you?"}]


@pytest.fixture
def chat(shared_server, provider):
    """The endpoint `chat`, over a provider of chat completions."""
    shared_server.publish("chat", provider.url)
    return shared_server


def test_anthropics_sdk_asks_and_streams(chat):
    """Its base URL and its key, nothing else changes."""
    client = anthropic.Anthropic(base_url=f"{chat.url}/anthropic", api_key=chat.admin_key, max_retries=0)
    with client:
        answer = client.messages.create(model="chat", max_tokens=50, messages=MESSAGES)
        assert (answer.content[0].text, answer.stop_reason) == ("I am model-0.", "end_turn")
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (1, 3)
        with client.messages.stream(model="chat", max_tokens=50, messages=MESSAGES) as stream:
            assert list(stream.text_stream) == ["I ", "am ", "model-0", "."]
            assert stream.get_final_message().stop_reason == "end_turn"
        with pytest.raises(anthropic.NotFoundError, match="ghost"):
            client.messages.create(model="ghost", max_tokens=50, messages=MESSAGES)


def test_googles_sdk_asks_and_streams(chat):
    """Its base URL and its key, nothing else changes."""
    options = genai.types.HttpOptions(base_url=f"{chat.url}/gemini")
    with genai.Client(api_key=chat.admin_key, http_options=options) as client:
        answer = client.models.generate_content(model="chat", contents="Who are you?")
        assert answer.text == "I am model-0."
        assert answer.usage_metadata.total_token_count == 4
        stream = client.models.generate_content_stream(model="chat", contents="Who are you?")
        assert "".join(chunk.text or "" for chunk in stream) == "I am model-0."


def test_openais_sdk_asks_and_streams_responses(chat):
    """Its newer API, to a model that knows only the older one."""
    with openai.OpenAI(base_url=f"{chat.url}/v1", api_key=chat.admin_key, max_retries=0) as client:
        answer = client.responses.create(model="chat", input="Who are you?")
        assert (answer.output_text, answer.status) == ("I am model-0.", "completed")
        with client.responses.stream(model="chat", input="Who are you?") as stream:
            told = [event.delta for event in stream if event.type == "response.output_text.delta"]
            assert "".join(told) == "I am model-0."
            assert stream.get_final_response().output_text == "I am model-0."
        with pytest.raises(openai.BadRequestError, match="previous_response_id"):
            client.responses.create(model="chat", input="And?", previous_response_id="resp_1")
