"""Requests go out with the credential of their access, whatever it takes to get it."""

import asyncio
import base64
import contextlib
import datetime as dt
import json
from dataclasses import replace
from unittest import mock
from urllib.parse import parse_qsl

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from fixtures.clock import Clock
from fixtures.scripted import AGAIN, REQUEST
from gatewright.errors import UnavailableError, UpstreamCredentialError, UpstreamRefusedError
from gatewright.snapshot.address import Address
from gatewright.snapshot.identity import AwsIdentity, GoogleIdentity, OAuthIdentity
from gatewright.snapshot.model import Access
from gatewright.upstream.auth import Authorizer
from gatewright.upstream.client import Client
from gatewright.upstream.fake import MINTED, Answer, FakeClient, in_turn
from gatewright.upstream.request import Opening

ADDRESS = Address("https", "llm.test", 443)
OAUTH = OAuthIdentity(
    server=Address("https", "w.test", 443, "/oidc/v1/token"), client_id="id", client_secret="s:/", scope="all-apis"
)


SERVER = AwsIdentity(region="r", service="bedrock")
NAMES = st.sampled_from(
    ["access_token", "expires_in", "AccessKeyId", "SecretAccessKey", "Token", "Expiration", "error", "Code"]
)
VALUES = st.sampled_from(["a", "", "nan", "\n", "\u00e9", "2099-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59"]) | (
    st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)


def http(body, status=200):
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def authorizer(*answers):
    client = FakeClient(in_turn(*answers))
    clock = Clock()
    return Authorizer(client.send, {}, private=False, clock=clock), client, clock


def headers_of(one, identity, headers=(), path=b"/p"):
    return one.headers(identity, ADDRESS, b"POST", path, headers, b"{}")


async def test_a_client_id_and_secret_are_traded_for_a_token():
    """As RFC 6749 has it: the pair in the header, what is wanted in the form; the token is kept."""
    answers = (Answer(body=[b'{"access_token": "t%d", "expires_in": "60"}' % number]) for number in (1, 2))
    one, client, clock = authorizer(*answers)
    assert [await headers_of(one, OAUTH) for _ in range(2)] == [((b"authorization", b"Bearer t1"),)] * 2
    [request] = client.requests
    assert (request.address, request.method, request.path) == (OAUTH.server, b"POST", b"/oidc/v1/token")
    assert dict(request.headers) == {
        b"content-type": b"application/x-www-form-urlencoded; charset=utf-8",
        b"authorization": b"Basic " + base64.b64encode(b"id:s%3A%2F"),
    }
    assert dict(parse_qsl(request.body.decode())) == {"grant_type": "client_credentials", "scope": "all-apis"}
    clock.now += 60
    assert await headers_of(one, OAUTH) == ((b"authorization", b"Bearer t2"),)


async def test_a_refused_pair_is_told_without_it():
    """By the code of the answer, and where it came from."""
    one, _, _ = authorizer(Answer(status=401, body=[b'{"error":"invalid_client","error_description":"canary"}']))
    with pytest.raises(UpstreamRefusedError) as caught:
        await headers_of(one, OAUTH)
    assert caught.value.public == (
        "w.test gave no credentials: it answered 401 (invalid_client). Check client_id and client_secret."
    )


async def test_the_parts_of_a_request_that_must_not_change_are_signed():
    """Host, date, content type and what is AWS's own; a proxy may add to the rest."""
    one, _, _ = authorizer()
    identity = AwsIdentity(region="us-east-1", service="bedrock", key_id="AK", secret_key="s", session_token="t")
    sent = ((b"content-type", b"application/json"), (b"accept", b"*/*"), (b"x-amz-x", b"1"), (b"user-agent", b"u"))
    headers = await headers_of(one, identity, sent)
    assert [name for name, _ in headers] == [b"authorization", b"x-amz-date", b"x-amz-security-token"]
    assert b"SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-x, " in headers[0][1]


async def test_no_identity_shows_its_secrets():
    """In a traceback or a log."""
    aws = AwsIdentity(region="r", service="s", key_id="canary", secret_key="canary", session_token="canary")
    oauth = OAuthIdentity(server=ADDRESS, client_id="c", client_secret="canary")
    assert "canary" not in repr((aws, oauth, Access(address=ADDRESS, ways={}, identity=oauth)))


def access_to(server, identity=None, headers=()):
    return Access(address=server.address, ways={}, identity=identity, headers=headers)


async def test_a_call_sends_fixed_credentials_as_they_are(client, scripted):
    """In front of the other headers; the response knows what must not be shown."""
    server = scripted([REQUEST, http(b"{}")])
    access = access_to(server, headers=((b"x-api-key", b"k"),))
    response = await client.call(access, b"POST", b"/v1", ((b"a", b"b"),), b"{}")
    assert await response.read() == b"{}"
    assert response.credential == access.headers
    assert server.requests[0].head.endswith(b"x-api-key: k\r\na: b\r\ncontent-length: 2")


async def test_a_call_fetches_a_token_once_and_anew_when_it_is_refused(scripted):
    """Over real connections: the next request after a 401 has another token, when the first is no longer new."""
    clock = Clock()
    client = Client(clock=clock)
    issuer = scripted([REQUEST, http(b'{"access_token": "t1"}'), REQUEST, http(b'{"access_token": "t2"}')])
    statuses = [200, 401, 200, 403, 200]
    provider = scripted([step for status in statuses for step in (REQUEST, http(b"{}", status))])
    identity = OAuthIdentity(server=issuer.address, client_id="i", client_secret="s")
    for _ in statuses:
        response = await client.call(access_to(provider, identity), b"POST", b"/", (), b"{}")
        await response.read()
        clock.now += 45
    sent = [request.header(b"authorization") for request in provider.requests]
    assert sent == [b"Bearer t1", b"Bearer t1", b"Bearer t1", b"Bearer t1", b"Bearer t2"]
    assert response.credential == ((b"authorization", b"Bearer t2"),)
    assert len(issuer.requests) == 2
    await client.close()


async def test_a_metadata_service_may_be_private_but_a_token_endpoint_may_not(scripted):
    """Only what the operator's own environment names is asked inside the network."""
    metadata = scripted([REQUEST, http(b'{"access_token": "t1"}')])
    provider = scripted([REQUEST, http(b"{}"), AGAIN])
    client = Client(cloud={"GCE_METADATA_HOST": f"127.0.0.1:{metadata.port}"})
    response = await client.call(access_to(provider, GoogleIdentity()), b"POST", b"/", (), b"{}")
    await response.read()
    assert provider.requests[0].header(b"authorization") == b"Bearer t1"
    inside = Address("http", "127.0.0.1", metadata.port)
    refused = OAuthIdentity(server=inside, client_id="i", client_secret="s")
    with pytest.raises(UpstreamRefusedError, match="leads to a private address"):
        await client.call(access_to(provider, refused), b"POST", b"/", (), b"{}")
    await client.close()
    assert len(metadata.requests) == 1


async def test_a_machine_of_aws_assumes_a_role_and_signs_with_it(scripted):
    """Over real connections: metadata service, STS, provider, where the signature is the one botocore computes."""
    keys = b'{"AccessKeyId": "ASIA1", "SecretAccessKey": "s1", "Token": "t1", "Expiration": "2099-01-01T00:00:00Z"}'
    metadata = scripted([REQUEST, http(b"imds"), REQUEST, http(b"role"), REQUEST, http(keys)])
    answer = (
        b"<AccessKeyId>ASIA2</AccessKeyId><SecretAccessKey>s2</SecretAccessKey><SessionToken>t2</SessionToken>"
        b"<Expiration>2099-01-01T00:00:00Z</Expiration>"
    )
    sts = scripted([REQUEST, http(answer)])
    provider = scripted([REQUEST, http(b"{}"), AGAIN])
    cloud = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.url, "AWS_ENDPOINT_URL_STS": sts.url}
    client = Client(cloud=cloud, clock=Clock())
    identity = AwsIdentity(region="us-east-1", service="bedrock", role="arn:r")
    path = b"/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"
    for _ in range(2):
        sent = ((b"content-type", b"application/json"), (b"accept", b"*/*"))
        response = await client.call(access_to(provider, identity), b"POST", path, sent, b'{"a": 1}')
        assert await response.read() == b"{}"
    await client.close()
    assert (len(metadata.requests), len(sts.requests), len(provider.requests)) == (3, 1, 2)
    received = provider.requests[1]
    expected = AWSRequest(
        method="POST",
        url=provider.url + path.decode(),
        headers={"content-type": "application/json"},
        data=received.body,
    )
    with mock.patch("botocore.auth.get_current_datetime", return_value=dt.datetime.fromtimestamp(Clock().now, dt.UTC)):
        SigV4Auth(Credentials("ASIA2", "s2", "t2"), "bedrock", "us-east-1").add_auth(expected)
    for name in ("authorization", "x-amz-date", "x-amz-security-token"):
        assert received.header(name.encode()) == expected.headers[name].encode()


async def test_closing_ends_a_wait_for_a_token(client, scripted):
    """With the error of a gateway that stops."""
    issuer = scripted([REQUEST])
    identity = OAuthIdentity(server=issuer.address, client_id="i", client_secret="s")
    waiting = asyncio.create_task(client.call(access_to(issuer, identity), b"POST", b"/", (), b""))
    await asyncio.to_thread(issuer.wait, lambda it: it.requests)
    await client.close()
    with pytest.raises(UnavailableError):
        await waiting


async def test_the_fake_calls_with_the_same_headers():
    """Fixed ones as given, and one token for every identity."""
    fake = FakeClient(lambda _: Answer())
    fixed = Access(address=ADDRESS, ways={}, headers=((b"x-api-key", b"k"),))
    for access in (fixed, Access(address=ADDRESS, ways={}, identity=OAUTH)):
        response = await fake.call(access, b"POST", b"/v1", ((b"a", b"b"),), b"{}")
        assert fake.requests[-1].headers == (*response.credential, (b"a", b"b"))
        assert fake.requests[-1].address == ADDRESS
    assert response.credential == MINTED


@given(st.binary(max_size=60) | st.dictionaries(NAMES, VALUES).map(lambda found: json.dumps(found).encode()))
def test_no_answer_of_an_issuer_escapes_as_another_error(answer):
    """Whatever it is, it is a credential that can be sent or a refusal that says so."""
    cloud = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"}

    async def ask(identity):
        client = FakeClient(lambda _: Answer(body=[answer]))
        one = Authorizer(client.send, cloud, private=False, clock=Clock())
        with contextlib.suppress(UpstreamCredentialError):
            headers = await headers_of(one, identity)
            Opening(Address("https", "h", 443)).head(b"POST", b"/", headers, 0)

    for identity in (OAUTH, GoogleIdentity(), SERVER, replace(SERVER, key_id="A", secret_key="s", role="r")):
        asyncio.run(ask(identity))
