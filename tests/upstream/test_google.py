"""Tokens of Google Cloud: for a service account, and for what the server itself finds."""

import base64
import json
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from fixtures.clock import Clock
from gatewright.errors import ConfigError, UpstreamRefusedError
from gatewright.snapshot.identity import GoogleIdentity, service_account
from gatewright.upstream.fake import Answer, FakeClient, in_turn
from gatewright.upstream.google import Google

TOKEN = Answer(body=[b'{"access_token": "ya29.x", "expires_in": 3599, "token_type": "Bearer"}'])
SERVER = GoogleIdentity()


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture(scope="module")
def rsa_key():
    """A key as Google makes them."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_json(private_key, **changes):
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "p",
            "private_key_id": "kid-1",
            "private_key": private_key,
            "client_email": "sa@p.iam.gserviceaccount.com",
            "token_uri": "https://oauth2.googleapis.com/token",
            "universe_domain": "googleapis.com",
        }
        | changes
    )


def finding(cloud, *answers, private=False):
    client = FakeClient(in_turn(*answers))
    return Google(client.send, cloud, Clock(), private=private), client


def part(text):
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


async def test_a_service_account_signs_for_its_token(rsa_key):
    """A JSON Web Token with RS256 that the key's public half verifies."""
    google, client = finding({}, TOKEN)
    account = service_account(key_json(pem(rsa_key)), allow_private=False)
    lease = await google.fetch(GoogleIdentity(account=account, scope="scope-1"))
    assert (lease.value, lease.expires) == ("ya29.x", Clock().now + 3599)
    [request] = client.requests
    assert (request.method, request.address.host, request.path) == (b"POST", "oauth2.googleapis.com", b"/token")
    form = dict(parse_qsl(request.body.decode()))
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    head, claims, signature = form["assertion"].split(".")
    assert part(head) == {"alg": "RS256", "typ": "JWT", "kid": "kid-1"}
    assert part(claims) == {
        "iss": "sa@p.iam.gserviceaccount.com",
        "scope": "scope-1",
        "aud": "https://oauth2.googleapis.com/token",
        "iat": 1440938160,
        "exp": 1440941760,
    }
    raw = base64.urlsafe_b64decode(signature + "==")
    rsa_key.public_key().verify(raw, f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())


async def test_the_file_the_environment_names_is_a_service_accounts(rsa_key, tmp_path):
    """It is read at each renewal."""
    path = tmp_path / "key.json"
    path.write_text(key_json(pem(rsa_key)))
    google, client = finding({"GOOGLE_APPLICATION_CREDENTIALS": str(path)}, TOKEN)
    assert (await google.fetch(SERVER)).value == "ya29.x"
    assert b"assertion=" in client.requests[0].body


async def test_the_file_of_gcloud_is_a_users(tmp_path):
    """At its usual place, when the environment names none."""
    user = {"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r", "account": ""}
    (tmp_path / "application_default_credentials.json").write_text(json.dumps(user))
    google, client = finding({"CLOUDSDK_CONFIG": str(tmp_path)}, TOKEN)
    assert (await google.fetch(SERVER)).value == "ya29.x"
    assert client.requests[0].address.host == "oauth2.googleapis.com"
    assert dict(parse_qsl(client.requests[0].body.decode())) == {
        "grant_type": "refresh_token",
        "client_id": "i",
        "client_secret": "s",
        "refresh_token": "r",
    }


@pytest.mark.parametrize(
    ("cloud", "host", "port"),
    [({}, "169.254.169.254", 80), ({"GCE_METADATA_HOST": "127.0.0.1:988"}, "127.0.0.1", 988)],
)
async def test_a_machine_of_google_is_asked_for_its_service_account(cloud, host, port):
    """By the metadata service, at its fixed address or the one the environment names."""
    google, client = finding(cloud, TOKEN)
    assert (await google.fetch(SERVER)).value == "ya29.x"
    [request] = client.requests
    assert (request.address.host, request.address.port, request.address.private) == (host, port, True)
    assert request.path == b"/computeMetadata/v1/instance/service-accounts/default/token"
    assert request.headers == ((b"metadata-flavor", b"Google"),)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "Google's credentials file is not the JSON it should be. Set GOOGLE_APPLICATION_CREDENTIALS"),
        ('{"type": "external_account"}', "is of type 'external_account'; use one of type 'service_account'."),
        ('{"type": "service_account"}', "has no 'client_email' or no 'private_key'"),
        (key_json("canary", token_uri="http://10.0.0.1/token"), "Invalid token_uri: scheme 'http' is not allowed"),
        (key_json("canary"), "the 'private_key' of the service account's key is not an RSA key in PEM."),
        (key_json(pem(ec.generate_private_key(ec.SECP256R1()))), "is not an RSA key in PEM"),
        (None, "The file that GOOGLE_APPLICATION_CREDENTIALS names cannot be read: No such file"),
    ],
)  # fmt: skip
async def test_a_file_that_cannot_be_used_is_told(tmp_path, content, said):
    """Without repeating anything secret of it."""
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    google, _ = finding({"GOOGLE_APPLICATION_CREDENTIALS": str(path)})
    with pytest.raises(UpstreamRefusedError) as caught:
        await google.fetch(SERVER)
    assert said in caught.value.public
    assert "canary" not in caught.value.public


@pytest.mark.parametrize("text", ["", "[]", '{"type": 1}', "\ud800", '{"type": "service_account", "private_key": 1}'])
def test_a_key_that_is_none_is_refused_when_it_is_joined(text):
    """Before any request is."""
    with pytest.raises(ConfigError, match="is not the JSON that Google Cloud gives out"):
        service_account(text, allow_private=False)


@pytest.mark.parametrize(
    "answer", [b"{}", b'{"access_token": ""}', b'{"access_token": "a\\nb"}', '{"access_token": "ä"}'.encode(), b"\xff"]
)
async def test_a_token_that_cannot_be_sent_is_refused(answer):
    """It would break the framing of every request."""
    google, _ = finding({}, Answer(body=[answer]))
    with pytest.raises(UpstreamRefusedError, match="Google's metadata service gave no credentials: its "):
        await google.fetch(SERVER)
