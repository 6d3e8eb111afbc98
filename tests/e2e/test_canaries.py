"""Secret values appear in no byte that leaves the server, its logs or its files."""

import base64
import itertools
import os
import subprocess
import sys

import psycopg
import pytest

from fixtures.server import BOTH_DATABASES

KEK = base64.b64encode(bytes(range(100, 132))).decode()
PLANTED = {
    "api_key": "canary-api-key-Zq81",
    "aws_secret_access_key": "canary-aws-secret-Zq82",
    "rotated": "canary-rotated-key-Zq83",
    "admin": "canary-admin-key-Zq84",
    "wrong": "canary-wrong-key-Zq85",
    "url": "canary-url-password-Zq86",
    "kek": KEK,
}
CHAT = {"messages": [{"role": "user", "content": "hi"}]}


def spellings(secret):
    """How a secret may hide: as it is, in base64 at any offset, in hex, and as the key bytes behind it."""
    raw = secret.encode()
    yield raw
    yield raw.hex().encode()
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw)
        yield encoded[4 if offset else 0 : -4]
    if secret == KEK:
        yield base64.b64decode(KEK)
        yield base64.b64decode(KEK).hex().encode()


def found_in(data):
    return sorted({name for name, secret in PLANTED.items() for spelt in spellings(secret) if spelt in data})


@pytest.fixture
def told(serve, provider):
    """A server with canaries in every slot, after a life full of mistakes; and everything it answered."""
    server = serve(
        admin_key=PLANTED["admin"],
        GATEWRIGHT_KEK=KEK,
        GATEWRIGHT_LOG_LEVEL="debug",
        PYTHONDEVMODE="1",
        PYTHONWARNINGS="default",
    )
    answers = []

    def call(method, path, body=None, **options):
        reply = server.request(method, path, body, **options)
        answers.append(repr(reply.headers).encode() + reply.body)
        return reply

    manage = "/api/3.0/mlflow/gateway"
    values = {name: PLANTED[name] for name in ("api_key", "aws_secret_access_key")}
    fields = {"secret_name": "s", "secret_value": values, "provider": "openai-compatible"}
    secret = call("POST", f"{manage}/secrets/create", fields | {"auth_config": {"api_base": provider.url}}).json[
        "secret"
    ]
    for wrong in (
        fields,
        fields | {"secret_name": "t" * 300},
        fields | {"secret_name": "t", "auth_config": {"api_base": f"https://u:{PLANTED['url']}@h/v1"}},
        fields | {"secret_name": "t", "auth_config": {"api_base": f"ftp://u:{PLANTED['url']}@h/v1"}},
        fields | {"secret_name": "t", "secret_value": PLANTED["api_key"]},
        fields | {"secret_name": "t", "secret_value": {"api_key": [PLANTED["api_key"]]}},
        fields | {"secret_name": "t", "secret_value": {"api_base": PLANTED["api_key"]}},
        fields | {"secret_name": {"x": PLANTED["api_key"]}},
        fields | {"secret_name": "t", "secret_value": {"api_key": PLANTED["api_key"] + "\x00"}},
    ):
        assert call("POST", f"{manage}/secrets/create", wrong).status == 400
    call("POST", f"{manage}/secrets/create", b'{"secret_value": {"api_key": "' + PLANTED["api_key"].encode())
    definition = call(
        "POST",
        f"{manage}/model-definitions/create",
        {"name": "m", "secret_id": secret["secret_id"], "provider": "openai-compatible", "model_name": "m"},
    ).json["model_definition"]
    link = {"model_definition_id": definition["model_definition_id"], "linkage_type": "PRIMARY"}
    call("POST", f"{manage}/endpoints/create", {"name": "ep", "model_configs": [link]})
    chats(call, provider)
    update = {"secret_id": secret["secret_id"], "secret_value": {"api_key": PLANTED["rotated"]}}
    call("POST", f"{manage}/secrets/update", update)
    chats(call, provider)
    for path, method in itertools.product(
        ("secrets/list", f"secrets/get?secret_id={secret['secret_id']}", "endpoints/list", "nothing"), ("GET", "POST")
    ):
        call(method, f"{manage}/{path}")
    for path in ("/v1/models", "/openapi.json", "/docs", "/version", "/health"):
        call("GET", path)
        call("GET", path, key=PLANTED["wrong"])
        call("GET", f"{path}?key={PLANTED['wrong']}", key="")
    return server, answers


def chats(call, provider):
    """Calls that go well, and every way a provider can fail, its answers full of what it was sent."""
    paths = ("/v1/chat/completions", "/gateway/mlflow/v1/chat/completions")
    words = b'{"error":{"message":"Wrong key {key} ({authorization})","headers":{"authorization":"{authorization}"}}}'
    echoes = [None, *((status, words) for status in (400, 401, 403, 429, 500))]
    for echo, path, stream in itertools.product(echoes, paths, (False, True)):
        provider.fail = echo
        reply = call("POST", path, {"model": "ep", "stream": stream, **CHAT})
        assert reply.status == (echo[0] if echo else 200)
    provider.fail = (302, b"")
    call("POST", paths[0], {"model": "ep", **CHAT})
    provider.fail = None


def dumps(url):
    """Each table of a PostgreSQL database by name, as pg_dump writes it and as the bytes that are stored."""
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            for form in ("TEXT", "BINARY"):
                with connection.cursor().copy(f'COPY "{table}" TO STDOUT (FORMAT {form})') as copied:
                    yield table, b"".join(copied)


@BOTH_DATABASES
def test_no_canary_is_in_any_answer_log_or_file(told, database_kind):
    """Answers with their headers, everything printed at debug level, every file of the data directory, every table."""
    server, answers = told
    assert server.stop() in (0, -15)
    assert len(answers) > 60
    for answer in answers:
        assert found_in(answer) == [], answer
    assert found_in(server.log.read_bytes()) == []
    files = [path for path in server.data_dir.rglob("*") if path.is_file()]
    stored = [(path.name, path.read_bytes()) for path in files]
    if database_kind == "postgres":
        stored += dumps(server.environment["GATEWRIGHT_DATABASE"])
    assert any(b"can...Zq83" in data for _, data in stored), "the masked value is where the secrets are"
    for name, data in stored:
        assert found_in(data) == [], name


def test_the_canaries_would_be_found():
    """The search is no search for nothing: each spelling is found in a text that holds it."""
    for name, secret in PLANTED.items():
        for wrapped in (secret, base64.b64encode(f"x{secret}".encode()).decode(), secret.encode().hex()):
            assert found_in(f"… {wrapped} …".encode()) == [name]


@pytest.mark.parametrize(
    "environment",
    [
        {"GATEWRIGHT_DATABASE": "postgresql://u:canary-url-password-Zq86@127.0.0.1:1/none"},
        {"GATEWRIGHT_DATABASE": "nonsense://u:canary-url-password-Zq86@127.0.0.1:1/none"},
        {"GATEWRIGHT_KEK": "canary-api-key-Zq81"},
        {"GATEWRIGHT_KEK": "canary-api-key-Zq81", "GATEWRIGHT_ADMIN_KEY": "canary-admin-key-Zq84"},
    ],
)
def test_a_start_that_fails_tells_no_secret(tmp_path, environment):
    """One clear line, no traceback, no value of a secret setting."""
    command = [sys.executable, "-m", "gatewright", "serve", "--port", "0", "--data-dir", str(tmp_path / "d")]
    run = subprocess.run(command, env=os.environ | environment, capture_output=True, timeout=60, check=False)
    assert run.returncode in (1, 2)
    assert found_in(run.stdout + run.stderr) == []
    assert b"Traceback" not in run.stderr
    assert run.stderr.strip()
