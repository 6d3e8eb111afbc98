"""SDKs through a real server to a real model: the demo's, which llama.cpp serves as OpenAI's chat completions."""

from typing import Literal

import anthropic
import openai
import pytest
from google import genai
from langchain_anthropic import ChatAnthropic
from pydantic import BaseModel

from fixtures.needed import missing
from gatewright.cli import demo_model
from gatewright.cli.demo_process import Child, free_port

KEY = "sk-1"  # what `Gateway.publish` sends
ASKED = "Name three primary colours."
MESSAGES = [{"role": "user", "content": ASKED}]


class Colour(BaseModel):
    """A colour."""

    colour: Literal["red", "green", "blue"]


@pytest.fixture(scope="module")
def real(gateway, tmp_path_factory):
    """The gateway with the endpoint `real`, and the model behind it."""
    found = demo_model.find()
    if isinstance(found, str):
        missing(f"no real model: {found}")
    log = tmp_path_factory.mktemp("model") / "model.log"
    child = Child("model server", log, free_port(), demo_model.serve, found, KEY)
    try:
        child.ready(60)
        gateway.publish("real", "llama.cpp", f"{child.url}/v1", "model-1")
        yield gateway
    finally:
        child.stop()


def test_openais_sdk_hears_a_real_model(real):
    """Whole and streamed it says the same."""
    with openai.OpenAI(base_url=f"{real.url}/v1", api_key=real.key, max_retries=0) as client:
        asked = {"model": "real", "temperature": 0, "max_tokens": 8, "messages": MESSAGES}
        whole = client.chat.completions.create(**asked)
        chunks = client.chat.completions.create(**asked, stream=True)
        streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert whole.usage.completion_tokens > 3
        assert whole.choices[0].message.content == streamed != ""


def test_anthropics_sdk_hears_a_real_model(real):
    """Whole and streamed it says the same; the stream's last word on usage is the model's."""
    with anthropic.Anthropic(base_url=f"{real.url}/anthropic", api_key=real.key, max_retries=0) as client:
        asked = {"model": "real", "max_tokens": 8, "messages": MESSAGES, "extra_body": {"temperature": 0}}
        whole = client.messages.create(**asked)
        with client.messages.stream(**asked) as stream:
            streamed = stream.get_final_message()
    assert whole.content[0].text == streamed.content[0].text != ""
    assert (whole.stop_reason, streamed.stop_reason) == ("max_tokens", "max_tokens")
    prompts = [one.usage.input_tokens + one.usage.cache_read_input_tokens for one in (whole, streamed)]
    assert prompts[0] == prompts[1] > 3
    assert whole.usage.output_tokens == streamed.usage.output_tokens == 8


def test_googles_sdk_hears_a_real_model(real):
    """Whole and streamed it says the same."""
    options = genai.types.HttpOptions(base_url=f"{real.url}/gemini")
    steady = {"temperature": 0, "max_output_tokens": 8}
    with genai.Client(api_key=real.key, http_options=options) as client:
        whole = client.models.generate_content(model="real", contents=ASKED, config=steady)
        chunks = client.models.generate_content_stream(model="real", contents=ASKED, config=steady)
        assert "".join(chunk.text or "" for chunk in chunks) == whole.text != ""


def test_langchain_gets_an_object_from_a_real_model(real):
    """Asked for by a schema as Anthropic's API does it, and made by the model server's own grammar."""
    model = ChatAnthropic(
        model="real", base_url=f"{real.url}/anthropic", api_key=real.key, max_retries=0, max_tokens=40, temperature=0
    )
    structured = model.with_structured_output(Colour, method="json_schema")
    assert isinstance(structured.invoke("What colour is the sky?"), Colour)
