"""Which kind a failure is, by what providers really send; and how long they want to be left alone."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.needed import missing
from fixtures.recorded import FOLDER, everything
from gatewright import errors
from gatewright.errors import UpstreamBusyError, UpstreamError, UpstreamStatusError
from gatewright.gateway.diagnosis import BY_CLASS, BY_STATUS, LONGEST_WAIT, kind, retry_after
from gatewright.gateway.failures import RULES, Action, Kind
from gatewright.gateway.signs import SIGNS

NOW = 1_445_412_420.0
"""Wed, 21 Oct 2015 07:27:00 GMT."""


def rejected(status, body=b"", inside=False, **headers):
    told = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())
    said = body if isinstance(body, bytes) else json.dumps(body).encode()
    return UpstreamStatusError("it failed.", status, told, said, inside=inside)


def openai(message, kind="invalid_request_error", code=None):
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic(message, kind="invalid_request_error", **more):
    return {"type": "error", "error": {"type": kind, "message": message, **more}}


def google(code, message, status, *details):
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


SAID = {
    # The request is too long.
    "openai long": (400, openai("…", code="context_length_exceeded"), Kind.CONTEXT_WINDOW),
    "vllm long": (
        400,
        openai("This model's maximum context length is 4096 tokens.", "BadRequestError"),
        "context_window",
    ),
    "vllm's old form": (
        400,
        {"object": "error", "message": "This model's maximum context length is 4096 tokens. However, …", "code": 400},
        Kind.CONTEXT_WINDOW,
    ),
    "anthropic long": (400, anthropic("prompt is too long: 205149 tokens > 199999 maximum"), Kind.CONTEXT_WINDOW),
    "anthropic with max_tokens": (
        400,
        anthropic("input length and `max_tokens` exceed context limit: 174167 + 64000 > 200000, decrease …"),
        Kind.CONTEXT_WINDOW,
    ),
    "gemini long": (
        400,
        google(400, "The input token count (9) exceeds the maximum number of tokens allowed (8).", "INVALID_ARGUMENT"),
        Kind.CONTEXT_WINDOW,
    ),
    "gemini's array": (
        400,
        [google(400, "The input token count exceeds the maximum number of tokens allowed (8).", "INVALID_ARGUMENT")],
        Kind.CONTEXT_WINDOW,
    ),
    "bedrock long": (400, {"message": "Input is too long for requested model."}, Kind.CONTEXT_WINDOW),
    "claude on bedrock": (
        400,
        {"message": "The model returned the following errors: prompt is too long: 227255 tokens > 200000 maximum"},
        Kind.CONTEXT_WINDOW,
    ),
    "cohere long": (
        400,
        {"message": "too many tokens: total number of tokens in the prompt cannot …"},
        "context_window",
    ),
    "groq's tokens a minute": (
        413,
        openai("Request too large for model `llama` on tokens per minute (TPM)", "tokens", "rate_limit_exceeded"),
        Kind.CONTEXT_WINDOW,
    ),
    "moonshot long": (
        400,
        openai("Invalid request: Your request exceeded model token limit: 262144"),
        "context_window",
    ),
    "together long": (
        422,
        openai("Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: …"),
        Kind.CONTEXT_WINDOW,
    ),
    "llama.cpp long": (400, openai("…", "exceed_context_size_error", 400), Kind.CONTEXT_WINDOW),
    "z.ai long": (400, {"error": {"code": "1261", "message": "Prompt too long"}}, Kind.CONTEXT_WINDOW),
    "openrouter long": (
        400,
        {
            "error": {
                "message": "Provider returned error",
                "code": 400,
                "metadata": {"raw": '{"error":{"message":"This endpoint\'s maximum context length is 32768 tokens."}}'},
            }
        },
        Kind.CONTEXT_WINDOW,
    ),
    # Its content is forbidden.
    "azure's filter": (
        400,
        {"error": {"code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
        Kind.CONTENT_POLICY,
    ),
    "openai's usage policy": (
        400,
        openai(
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy.", code="invalid_prompt"
        ),
        Kind.CONTENT_POLICY,
    ),
    "openai's images": (400, openai("…", "image_generation_user_error", "moderation_blocked"), Kind.CONTENT_POLICY),
    "anthropic's filter": (400, anthropic("Output blocked by content filtering policy"), Kind.CONTENT_POLICY),
    "deepseek's filter": (400, openai("Content Exists Risk", code="invalid_request_error"), Kind.CONTENT_POLICY),
    "moonshot's filter": (400, {"error": {"type": "content_filter", "message": "high risk"}}, Kind.CONTENT_POLICY),
    "xai's filter": (403, {"code": "…", "error": "Content violates usage guidelines. …"}, Kind.CONTENT_POLICY),
    "openrouter's filter": (
        403,
        {"error": {"code": 403, "message": 'm requires moderation. Your input was flagged for "x".'}},
        Kind.CONTENT_POLICY,
    ),
    # Nothing is left to spend.
    "402 whatever it says": (402, google(402, "Resource has been exhausted.", "RESOURCE_EXHAUSTED"), Kind.QUOTA),
    "402 of a page": (402, b"<html>", Kind.QUOTA),
    "openai's quota": (429, openai("…", "insufficient_quota", "insufficient_quota"), Kind.QUOTA),
    "openai's project": (429, openai("…", "insufficient_quota", "project_spend_limit_exceeded"), Kind.QUOTA),
    "anthropic's credits": (400, anthropic("Your credit balance is too low to access the Anthropic API."), Kind.QUOTA),
    "anthropic's limit": (
        429,
        anthropic("…", "rate_limit_error", details={"error_code": "enforced_spend_limit_reached"}),
        Kind.QUOTA,
    ),
    "google's billing": (
        403,
        google(
            403, "This API method requires billing to be enabled.", "PERMISSION_DENIED", {"reason": "BILLING_DISABLED"}
        ),
        Kind.QUOTA,
    ),
    "xai's credits": (
        429,
        {"code": "…", "error": "Your team 1 has either used all available credits or …"},
        Kind.QUOTA,
    ),
    # The model is not there.
    "openai's model": (404, openai("The model `x` does not exist", code="model_not_found"), Kind.UNKNOWN_MODEL),
    "anthropic's model": (404, anthropic("model: claude-0", "not_found_error"), Kind.UNKNOWN_MODEL),
    "gemini's model": (404, google(404, "models/x is not found for API version v1beta", "NOT_FOUND"), "unknown_model"),
    "azure's deployment": (404, openai("…", code="DeploymentNotFound"), Kind.UNKNOWN_MODEL),
    "bedrock's model": (400, {"message": "The provided model identifier is invalid."}, Kind.UNKNOWN_MODEL),
    "ollama's model": (404, {"error": "model 'x:latest' not found"}, Kind.UNKNOWN_MODEL),
    "mistral's model": (
        400,
        {"object": "error", "message": "Invalid model: x", "type": "invalid_model"},
        "unknown_model",
    ),
    # Others.
    "openai's capacity": (503, openai("…", "service_unavailable_error", "server_is_overloaded"), Kind.OVERLOADED),
    "gemini's capacity": (
        503,
        google(503, "The model is overloaded. Please try again later.", "UNAVAILABLE"),
        "overloaded",
    ),
    "groq's flex tier": (498, b"", Kind.OVERLOADED),
    "gemini's key": (
        400,
        google(400, "API key not valid.", "INVALID_ARGUMENT", {"reason": "API_KEY_INVALID"}),
        Kind.AUTH,
    ),
    "bedrock's model error": (424, {"__type": "com.amazon#ModelErrorException", "message": "…"}, Kind.SERVER_ERROR),
    "databricks": (400, {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "…"}, Kind.RATE_LIMITED_UNSAID),
    "a file that is not there": (404, openai("No such File object: file-1"), Kind.CLIENT_MISTAKE),
    "a page of a proxy": (404, b"<html><h1>404 Not Found</h1></html>", Kind.CLIENT_MISTAKE),
    "another 4xx": (422, {"detail": [{"type": "missing", "loc": ["body", "messages"]}]}, Kind.CLIENT_MISTAKE),
    "another 5xx": (520, b"", Kind.SERVER_ERROR),
}


@pytest.mark.parametrize(("status", "body", "found"), SAID.values(), ids=SAID)
def test_what_providers_write_is_understood(status, body, found):
    """By their codes, or by their words."""
    assert kind(rejected(status, body)) == found


RECORDED = {
    "anthropic-messages-error-005": Kind.CLIENT_MISTAKE,
    "anthropic-messages-error-006": Kind.OVERLOADED,
    "azure-chat-error-001": Kind.UNKNOWN_MODEL,
    "azure-chat-error-003": Kind.RATE_LIMITED,
    "azure-chat-error-005": Kind.UNKNOWN_MODEL,
    "bedrock-converse-error-001": Kind.AUTH,
    "bedrock-converse-error-002": Kind.UNKNOWN_MODEL,
    "bedrock-converse-error-003": Kind.CLIENT_MISTAKE,
    "cohere-chat-error-001": Kind.AUTH,
    "cohere-v1-chat-error-001": Kind.UNKNOWN_MODEL,
    "deepseek-chat-error-003": Kind.CLIENT_MISTAKE,
    "gemini-embeddings-error-001": Kind.UNKNOWN_MODEL,
    "gemini-generate-content-error-001": Kind.RATE_LIMITED_UNSAID,
    "gemini-generate-content-stream-error-001": Kind.AUTH,
    "groq-chat-error-001": Kind.UNKNOWN_MODEL,
    "groq-chat-error-003": Kind.CLIENT_MISTAKE,
    "mistral-chat-error-002": Kind.RATE_LIMITED_UNSAID,
    "mistral-chat-error-003": Kind.SERVER_ERROR,
    "ollama-chat-error-001": Kind.UNKNOWN_MODEL,
    "openai-chat-error-002": Kind.UNAVAILABLE,
    "openai-chat-error-004": Kind.CLIENT_MISTAKE,
    "openai-chat-error-006": Kind.UNKNOWN_MODEL,
    "openai-responses-error-001": Kind.CONTEXT_WINDOW,
    "perplexity-chat-error-002": Kind.CONTEXT_WINDOW,
    "vertex-generate-content-error-001": Kind.CONTEXT_WINDOW,
    "vertex-generate-content-error-004": Kind.UNKNOWN_MODEL,
    "xai-chat-error-001": Kind.AUTH,
    "xai-chat-error-002": Kind.CONTEXT_WINDOW,
    "xai-chat-error-003": Kind.UNAVAILABLE,
}


def test_recorded_errors_are_understood():
    """Those of real providers, with their headers."""
    recorded = {one.name: one for one in everything() if one.name in RECORDED}
    if not recorded:
        missing(f"the recorded exchanges are not in {FOLDER}; GATEWRIGHT_RECORDED names their folder")
    headers = {name: tuple((k.encode(), v.encode()) for k, v in one.headers.items()) for name, one in recorded.items()}
    found = {name: kind(UpstreamStatusError("x", one.status, headers[name], one.raw)) for name, one in recorded.items()}
    assert found == {name: one for name, one in RECORDED.items() if name in recorded}


@pytest.mark.parametrize("status", BY_STATUS)
def test_a_status_alone_is_enough(status):
    """Whatever else the answer has."""
    for body in (b"", b"oops", {"error": {"message": "oops"}}, b"[]", b"[1]", {"error": "oops"}):
        assert kind(rejected(status, body)) is BY_STATUS[status]


def test_an_error_without_a_status_is_told_by_its_class():
    """Each class of the tree below UpstreamError, whether it is named or only a class above it."""
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, UpstreamError)]
    assert len(classes) > 12
    for one in classes:
        if one is not UpstreamStatusError:
            problem = one("x", 1.0) if one is UpstreamBusyError else one("x")
            assert kind(problem) is next(BY_CLASS[cls] for cls in one.__mro__ if cls in BY_CLASS)


def test_an_error_inside_a_good_answer_is_told_by_its_words_first():
    """What is only known to have failed is an error event."""
    assert kind(rejected(500, inside=True)) is Kind.ERROR_EVENT
    assert kind(rejected(500, anthropic("Overloaded", "overloaded_error"), inside=True)) is Kind.OVERLOADED
    assert kind(rejected(500, anthropic("prompt is too long: 2 > 1"), inside=True)) is Kind.CONTEXT_WINDOW
    assert kind(rejected(400, openai("Unknown parameter"), inside=True)) is Kind.CLIENT_MISTAKE


def test_what_a_client_wrote_takes_no_target_out():
    """An error that repeats a part of the request means nothing by it."""
    echoed = [sign for sign in SIGNS if RULES[sign.kind].cools]
    words = [text for sign in echoed for text in (*sign.begins, *sign.holds, *sign.codes)]
    assert len(words) > 40
    for text in words:
        bodies = (
            openai(f"Invalid value: '{text}'."),
            {"detail": [{"type": "enum", "input": {"code": text, "type": text, "error": {"code": text}}}]},
            {"detail": f"'{text}' is not a role"},
            f"Failed to deserialize: {text}".encode(),
        )
        assert {kind(rejected(400, body)) for body in bodies} == {Kind.CLIENT_MISTAKE}


def test_every_kind_has_a_rule_and_a_way_to_be_found():
    """The table is complete, and has no row that nothing leads to."""
    assert set(RULES) == set(Kind)
    by_default = {Kind.SERVER_ERROR, Kind.CLIENT_MISTAKE, Kind.RATE_LIMITED, Kind.ERROR_EVENT}
    found = {*BY_CLASS.values(), *BY_STATUS.values(), *(sign.kind for sign in SIGNS)} | by_default
    assert found == set(Kind)


def test_the_clients_own_mistakes_count_against_nobody():
    """What is final, or is tried elsewhere only where it is asked for, is no sign of a bad target."""
    for rule in RULES.values():
        assert not (rule.cools and rule.action in (Action.FINAL, Action.NEXT_IF_ASKED))


RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}
WAITS = {
    "seconds": (rejected(429, retry_after="7"), 7.0),
    "a fraction": (rejected(503, retry_after="0.5"), 0.5),
    "a date": (rejected(429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"), 60.0),
    "a date, by the other clock": (
        rejected(429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT", date="Wed, 21 Oct 2015 07:27:50 GMT"),
        10.0,
    ),
    "milliseconds first": (rejected(429, retry_after="1", retry_after_ms="250"), 0.25),
    "azure's zero": (rejected(429, retry_after="1", retry_after_ms="0"), 1.0),
    "google's": (rejected(429, google(429, "…", "RESOURCE_EXHAUSTED", RETRY_INFO)), 34.5),
    "a day": (rejected(429, retry_after="86400"), LONGEST_WAIT),
    "openai's spent limit": (
        rejected(429, x_ratelimit_remaining_requests="0", x_ratelimit_reset_requests="1m2.5s"),
        62.5,
    ),
    "the longest of two": (
        rejected(
            429,
            x_ratelimit_remaining_requests="0",
            x_ratelimit_reset_requests="120ms",
            x_ratelimit_remaining_tokens="0",
            x_ratelimit_reset_tokens="2s",
        ),
        2.0,
    ),
    "openrouter's moment": (
        rejected(429, x_ratelimit_remaining="0", x_ratelimit_reset=f"{int(NOW + 5) * 1000}"),
        5.0,
    ),
    "anthropic's moment": (
        rejected(
            429,
            anthropic_ratelimit_requests_remaining="0",
            anthropic_ratelimit_requests_reset="2015-10-21T07:27:30Z",
        ),
        30.0,
    ),
    "a limit that is not spent": (
        rejected(429, x_ratelimit_remaining_requests="3", x_ratelimit_reset_requests="6m0s"),
        None,
    ),
    "a limit of another answer": (
        rejected(500, x_ratelimit_remaining_requests="0", x_ratelimit_reset_requests="6m0s"),
        None,
    ),
    "nothing": (rejected(429), None),
    "zero": (rejected(429, retry_after="0"), None),
    "the past": (rejected(429, retry_after="Wed, 21 Oct 2015 07:26:00 GMT"), None),
    "nonsense": (rejected(429, retry_after="soon"), None),
    "no status": (UpstreamError("x"), None),
}


@pytest.mark.parametrize(("problem", "seconds"), WAITS.values(), ids=WAITS)
def test_how_long_a_provider_wants_to_be_left_alone(problem, seconds):
    """However it says it; what says nothing is None."""
    assert retry_after(problem, NOW) == seconds


def test_a_rate_limit_is_told_by_whether_it_says_when_to_come_back():
    """The two are different rows of the table."""
    assert kind(rejected(429, retry_after="7")) is Kind.RATE_LIMITED
    assert kind(rejected(429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT")) is Kind.RATE_LIMITED
    assert kind(rejected(400, x_amzn_errortype="ThrottlingException:http://…", retry_after="1")) is Kind.RATE_LIMITED
    assert kind(rejected(429)) is Kind.RATE_LIMITED_UNSAID


NAMES = st.sampled_from(
    ["retry-after", "retry-after-ms", "date", "x-ratelimit-remaining", "x-ratelimit-reset", "x-amzn-errortype"]
)
VALUES = st.one_of(st.text(), st.integers().map(str), st.floats().map(str), st.datetimes().map(str), st.just("0"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "code", "details", "metadata", "raw", "message", "@type"]), inner)
    ),
    max_leaves=8,
)


@given(
    status=st.integers(300, 599),
    headers=st.lists(st.tuples(NAMES, VALUES), max_size=4),
    body=st.one_of(st.binary(), JSON.map(lambda value: json.dumps(value).encode())),
)
def test_no_answer_is_beyond_diagnosis(status, headers, body):
    """Whatever comes, there is a kind, and a wait that is None or within bounds."""
    told = tuple((name.encode(), value.encode("utf-8", "replace")) for name, value in headers)
    problem = UpstreamStatusError("x", status, told, body)
    assert kind(problem) in RULES
    wait = retry_after(problem, NOW)
    assert wait is None or 0 < wait <= LONGEST_WAIT
