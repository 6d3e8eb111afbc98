"""Where keys for AWS come from: given ones, roles, and what the server itself finds."""

import json
from urllib.parse import parse_qsl

import pytest

from fixtures.clock import Clock
from gatewright.errors import UpstreamRefusedError, UpstreamTimeoutError
from gatewright.snapshot.identity import AwsIdentity
from gatewright.upstream.aws import Aws
from gatewright.upstream.fake import Answer, FakeClient, in_turn
from gatewright.upstream.sigv4 import Keys

SERVER = AwsIdentity(region="us-east-1", service="bedrock")
GIVEN = AwsIdentity(region="us-east-1", service="bedrock", key_id="AKID", secret_key="canary")
ROLE = AwsIdentity(region="eu-west-1", service="bedrock", role="arn:aws:iam::1:role/r", session_name="s")
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": "canary-env"}
NOWHERE = {"AWS_EC2_METADATA_DISABLED": "true"}
FULL, RELATIVE = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
END = "2015-08-30T13:36:00Z"  # an hour after the clock


def assumed(action, number=1):
    return Answer(
        body=[
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>'
            f"<AccessKeyId>ASIA{number}</AccessKeyId>\n<SecretAccessKey>a/b+c</SecretAccessKey>"
            f"<SessionToken>tok/+==</SessionToken><Expiration>{END}</Expiration>"
            f"</Credentials></{action}Result></{action}Response>".encode()
        ]
    )


def given(**changes):
    found = {"AccessKeyId": "ASIA1", "SecretAccessKey": "a/b+c", "Token": "tok/+==", "Expiration": END}
    return Answer(body=[json.dumps(found | changes).encode()])


TEMPORARY = Keys(key_id="ASIA1", secret="a/b+c", token="tok/+==")


def finding(cloud, *answers):
    client = FakeClient(in_turn(*answers))
    clock = Clock()
    return Aws(client.send, cloud, clock), client, clock


async def test_given_keys_are_used_as_they_are():
    """Nothing is asked; a session token goes along."""
    aws, client, _ = finding({})
    identity = AwsIdentity(region="r", service="bedrock", key_id="A", secret_key="b", session_token="c")
    assert await aws.keys(identity) == Keys(key_id="A", secret="b", token="c")
    assert not client.requests


async def test_a_role_is_assumed_with_given_keys():
    """A signed form to STS in the region, once an hour."""
    aws, client, clock = finding({}, assumed("AssumeRole"), assumed("AssumeRole", 2))
    identity = AwsIdentity(region="eu-west-1", service="bedrock", key_id="AK", secret_key="s", role="arn:r")
    assert await aws.keys(identity) == TEMPORARY
    [request] = client.requests
    headers = dict(request.headers)
    assert (request.address.scheme, request.address.host) == ("https", "sts.eu-west-1.amazonaws.com")
    assert not request.address.private
    assert (request.method, request.path) == (b"POST", b"/")
    assert dict(parse_qsl(request.body.decode())) == {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": "arn:r",
        "RoleSessionName": "gatewright",
    }
    assert headers[b"authorization"].startswith(
        b"AWS4-HMAC-SHA256 Credential=AK/20150830/eu-west-1/sts/aws4_request, "
        b"SignedHeaders=content-type;host;x-amz-date, Signature="
    )
    clock.now += 3600
    assert (await aws.keys(identity)).key_id == "ASIA2"


async def test_a_role_is_assumed_with_what_the_server_finds():
    """The environment's keys sign, and the session has the name asked for."""
    aws, client, _ = finding(ENVIRONMENT | {"AWS_SESSION_TOKEN": "t"}, assumed("AssumeRole"))
    assert await aws.keys(ROLE) == TEMPORARY
    headers = dict(client.requests[0].headers)
    assert b"Credential=AKENV/" in headers[b"authorization"]
    assert headers[b"x-amz-security-token"] == b"t"
    assert dict(parse_qsl(client.requests[0].body.decode()))["RoleSessionName"] == "s"


async def test_refused_keys_of_a_role_are_fetched_anew_with_those_it_was_assumed_with():
    """Either may have been taken back."""
    cloud = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"}
    aws, client, clock = finding(cloud, given(), assumed("AssumeRole"), given(), assumed("AssumeRole", 2))
    await aws.keys(ROLE)
    clock.now += 61
    aws.drop(ROLE)
    assert (await aws.keys(ROLE)).key_id == "ASIA2"
    assert len(client.requests) == 4


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
    ],
)
async def test_sts_is_asked_in_the_regions_own_part_of_aws(region, host):
    """China has a domain of its own."""
    aws, client, _ = finding(ENVIRONMENT, assumed("AssumeRole"))
    await aws.keys(AwsIdentity(region=region, service="bedrock", role="r"))
    assert client.requests[0].address.host == host


async def test_another_address_of_sts_is_the_operators_to_name():
    """Its path is signed too, and it may be private."""
    aws, client, _ = finding(ENVIRONMENT | {"AWS_ENDPOINT_URL_STS": "http://10.0.0.1:9/sts"}, assumed("AssumeRole"))
    await aws.keys(ROLE)
    assert client.requests[0].path == b"/sts/"
    assert client.requests[0].address.private


async def test_the_servers_keys_are_looked_for_in_order(tmp_path):
    """Environment, web identity, file, container, instance: the first that is set up is used."""
    token = tmp_path / "token"
    token.write_text("a.b.c\n")
    file = tmp_path / "credentials"
    file.write_text(
        "[default]\naws_access_key_id = AKFILE\naws_secret_access_key = x%y\n"
        "[other]\naws_access_key_id=AK2\naws_secret_access_key=z\naws_session_token=t\n"
    )
    cloud = {
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1?a=b",
        "AWS_SHARED_CREDENTIALS_FILE": str(file),
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_ROLE_ARN": "arn:web",
        **ENVIRONMENT,
    }
    aws, client, _ = finding(cloud)
    assert await aws.keys(SERVER) == Keys(key_id="AKENV", secret="canary-env")
    assert not client.requests

    del cloud["AWS_SECRET_ACCESS_KEY"]
    aws, client, _ = finding(cloud, assumed("AssumeRoleWithWebIdentity"))
    assert await aws.keys(SERVER) == TEMPORARY
    assert b"authorization" not in dict(client.requests[0].headers)
    assert dict(parse_qsl(client.requests[0].body.decode())) == {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": "arn:web",
        "RoleSessionName": "gatewright",
        "WebIdentityToken": "a.b.c",
    }

    del cloud["AWS_ROLE_ARN"]
    aws, client, _ = finding(cloud)
    assert await aws.keys(SERVER) == Keys(key_id="AKFILE", secret="x%y")
    aws, client, _ = finding(cloud | {"AWS_PROFILE": "other"})
    assert await aws.keys(SERVER) == Keys(key_id="AK2", secret="z", token="t")

    file.unlink()
    aws, client, _ = finding(cloud, given())
    assert await aws.keys(SERVER) == TEMPORARY
    [request] = client.requests
    assert (request.address.host, request.address.private) == ("169.254.170.2", True)
    assert (request.method, request.path, request.headers) == (b"GET", b"/v2/credentials/1?a=b", ())

    del cloud["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
    role = "/latest/meta-data/iam/security-credentials/"
    aws, client, _ = finding(cloud, Answer(body=[b"imds-token"]), Answer(body=[b"my role\n"]), given())
    assert await aws.keys(SERVER) == TEMPORARY
    asked = [(one.method, one.path.decode(), dict(one.headers)) for one in client.requests]
    assert {one.address.host for one in client.requests} == {"169.254.169.254"}
    assert asked == [
        (b"PUT", "/latest/api/token", {b"x-aws-ec2-metadata-token-ttl-seconds": b"60"}),
        (b"GET", role, {b"x-aws-ec2-metadata-token": b"imds-token"}),
        (b"GET", f"{role}my%20role", {b"x-aws-ec2-metadata-token": b"imds-token"}),
    ]


async def test_a_changed_credentials_file_is_read_again(tmp_path):
    """After five minutes at the latest."""
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id=A\naws_secret_access_key=s\n")
    aws, _, clock = finding({"AWS_SHARED_CREDENTIALS_FILE": str(file)})
    assert (await aws.keys(SERVER)).key_id == "A"
    file.write_text("[default]\naws_access_key_id=B\naws_secret_access_key=s\n")
    clock.now += 300
    assert (await aws.keys(SERVER)).key_id == "B"


async def test_a_pods_own_credentials_are_asked_for_with_its_token(tmp_path):
    """Read from its file each time, for it is rotated."""
    token = tmp_path / "token"
    token.write_text("pod-token\n")
    cloud = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token),
    }
    aws, client, _ = finding(cloud, given())
    assert await aws.keys(SERVER) == TEMPORARY
    assert client.requests[0].headers == ((b"authorization", b"pod-token"),)
    assert client.requests[0].path == b"/v1/credentials"


@pytest.mark.parametrize(
    ("cloud", "answers", "said"),
    [
        (NOWHERE, [], "The server finds no AWS credentials. Set AWS_ACCESS_KEY_ID"),
        ({}, [UpstreamTimeoutError("no connection.")], "The EC2 metadata service gave no credentials: no connection."),
        ({FULL: "http://evil.example/x"}, [], "names 'evil.example', which is asked by https only"),
        ({FULL: "http://169.254.169.254/x"}, [], "names '169.254.169.254', which is asked by https only"),
        ({FULL: "ftp://x"}, [], "Invalid AWS_CONTAINER_CREDENTIALS_FULL_URI: scheme 'ftp'"),
        ({RELATIVE: "/x"}, [Answer(status=404)], "The container gave no credentials: it answered 404."),
        ({RELATIVE: "/x"}, [Answer(body=[b'{"Code": "x"}'])], "its answer is not what it should be"),
        (
            {"AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere", "AWS_ROLE_ARN": "r"},
            [],
            "that AWS_WEB_IDENTITY_TOKEN_FILE names cannot be read: No such file",
        ),
    ],
)
async def test_what_is_missing_is_named(cloud, answers, said):
    """Each failure is one of the provider's, so that another target can help, and says what to do."""
    aws, _, _ = finding(cloud, *answers)
    with pytest.raises(UpstreamRefusedError) as caught:
        await aws.keys(SERVER)
    assert said in caught.value.public


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            Answer(status=403, body=[b"<Error><Code>AccessDenied</Code><Message>canary</Message></Error>"]),
            "AWS STS gave no credentials: it answered 403 (AccessDenied). Check aws_role_name",
        ),
        (Answer(body=[b"<html>canary</html>"]), "AWS STS gave no credentials: its answer is not what it should be."),
        (Answer(body=[bytes(100 << 10)]), "longer than 65536 bytes"),
        (Answer(status=500, body=[b"\xff"]), "it answered 500."),
    ],
)
async def test_what_sts_refuses_is_told_by_its_code_alone(answer, said):
    """Its words may name accounts and repeat what was sent."""
    aws, _, _ = finding({}, answer)
    with pytest.raises(UpstreamRefusedError) as caught:
        await aws.keys(AwsIdentity(region="r", service="bedrock", key_id="A", secret_key="canary", role="arn:r"))
    assert said in caught.value.public
    assert "canary" not in caught.value.public
