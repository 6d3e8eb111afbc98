"""Signature Version 4, against AWS's own examples and AWS's own signer."""

import datetime as dt
from unittest import mock
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import example, given
from hypothesis import strategies as st

from gatewright.upstream.sigv4 import Keys, Signed, sign

EXAMPLE = Keys(key_id="AKIDEXAMPLE", secret="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
MOMENT = dt.datetime(2015, 8, 30, 12, 36, tzinfo=dt.UTC)
FORM = (b"content-type", b"application/x-www-form-urlencoded; charset=utf-8")


@pytest.mark.parametrize(
    ("request_", "service", "names", "signature"),
    [
        (
            Signed(method=b"GET", host="example.amazonaws.com", target=b"/"),
            "service",
            "host;x-amz-date",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            Signed(method=b"POST", host="example.amazonaws.com", target=b"/"),
            "service",
            "host;x-amz-date",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            Signed(method=b"GET", host="example.amazonaws.com", target=b"/?Param2=value2&Param1=value1"),
            "service",
            "host;x-amz-date",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            Signed(
                method=b"GET",
                host="iam.amazonaws.com",
                target=b"/?Action=ListUsers&Version=2010-05-08",
                headers=(FORM,),
            ),
            "iam",
            "content-type;host;x-amz-date",
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        ),
    ],
)
def test_the_published_examples_come_out_as_published(request_, service, names, signature):
    """The signature test suite and the worked example of the IAM guide."""
    headers = dict(sign(request_, EXAMPLE, region="us-east-1", service=service, at=MOMENT.timestamp()))
    assert headers == {
        b"x-amz-date": b"20150830T123600Z",
        b"authorization": (
            f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/{service}/aws4_request, "
            f"SignedHeaders={names}, Signature={signature}"
        ).encode(),
    }


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ENCODED = TEXT.map(lambda text: quote(text, safe=""))
PATHS = st.lists(ENCODED | st.sampled_from([".", "..", "", "~x", "a:b"]), max_size=5).map(lambda it: "/" + "/".join(it))
QUERIES = st.lists(st.tuples(ENCODED.filter(bool), ENCODED), max_size=4).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
HEADERS = st.dictionaries(st.from_regex(r"x-amz-meta-[a-z]{1,5}", fullmatch=True), VALUES, max_size=3)


@given(
    method=st.sampled_from(["GET", "POST", "PUT"]),
    path=PATHS,
    query=QUERIES,
    headers=HEADERS,
    body=st.binary(max_size=100),
    token=st.from_regex(r"[A-Za-z0-9/+=]{0,40}", fullmatch=True),
    at=st.integers(0, 4_000_000_000),
)
@example("POST", "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse", "", {}, b"{}", "", 0)
@example("POST", "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A0%3Ainference-profile%2Fx/invoke", "a=%2F", {}, b"", "t", 1)
def test_it_signs_as_botocore_does(method, path, query, headers, body, token, at):
    """Whatever the path, query, headers and body; percent-encoded paths are encoded once more by both."""
    target = path + (f"?{query}" if query else "")
    keys = Keys(key_id="AKID", secret="secret/+", token=token)
    ours = sign(
        Signed(
            method=method.encode(),
            host="bedrock-runtime.us-east-1.amazonaws.com",
            target=target.encode(),
            headers=[(name.encode(), value.encode()) for name, value in headers.items()],
            body=body,
        ),
        keys,
        region="us-east-1",
        service="bedrock",
        at=at,
    )
    url = f"https://bedrock-runtime.us-east-1.amazonaws.com{target}"
    theirs = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
    signer = SigV4Auth(Credentials("AKID", "secret/+", token or None), "bedrock", "us-east-1")
    with mock.patch("botocore.auth.get_current_datetime", return_value=dt.datetime.fromtimestamp(at, dt.UTC)):
        signer.add_auth(theirs)
    expected = {name.lower().encode(): value.encode() for name, value in theirs.headers.items()}
    for name, value in ours:
        assert expected[name] == value


def test_keys_are_not_shown():
    """They end up in tracebacks otherwise."""
    assert "canary" not in repr(Keys(key_id="canary-id", secret="canary", token="canary-token"))
