"""Commands that change the database of a running server: it serves the change without a restart."""

import time

import pytest
from click.testing import CliRunner

from fixtures.server import BOTH_DATABASES
from gatewright.cli import main
from gatewright.control.crypto import Vault
from gatewright.control.keyring import Keyring
from gatewright.control.store import secrets
from gatewright.control.store.database import Database
from gatewright.settings import Settings

pytestmark = pytest.mark.slow

GATEWAY = """\
model_definitions:
  local: {provider: ollama, model_name: llama3.2, secret: {auth_config: {api_base: "http://127.0.0.1:9/v1"}}}
endpoints:
  chat: {models: [local]}
"""


def command(server, *words):
    environment = {"GATEWRIGHT_DATA_DIR": str(server.data_dir), "GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS": "1"}
    result = CliRunner().invoke(main, list(words), env=environment | server.environment)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_an_applied_endpoint_and_a_made_key_are_served_within_a_second(server, tmp_path):
    """A key made by the command lists the endpoint made by the command; once revoked it does not."""
    path = tmp_path / "gateway.yaml"
    path.write_text(GATEWAY)
    command(server, "apply", "-f", str(path))
    key = command(server, "keys", "create", "app").strip()
    time.sleep(1)
    listed = server.get("/v1/models", key=key)
    assert [one["id"] for one in listed.json["data"]] == ["chat"]
    command(server, "keys", "revoke", "app")
    time.sleep(1)
    assert server.get("/v1/models", key=key).status == 401


@BOTH_DATABASES
def test_secrets_written_around_a_rotation_are_all_under_the_new_key(server):
    """The running server encrypts under the new key from the rotation on, so the old one can go."""
    for number in range(3):
        server.manage("secrets/create", secret_name=f"before-{number}", secret_value={"api_key": f"sk-{number}-before"})
    command(server, "secrets", "rotate")
    server.manage("secrets/create", secret_name="after", secret_value={"api_key": "sk-after"})
    settings = Settings.load(server.environment, data_dir=server.data_dir)
    keyring = Keyring.load(settings)
    database = Database(settings.database_url)
    with database.read() as tx:
        found = {one.secret_name: dict(one.values) for one in secrets.reveal_all(tx, Vault(keyring)).values()}
    database.close()
    assert len(keyring.ids) == 1
    assert found == {f"before-{n}": {"api_key": f"sk-{n}-before"} for n in range(3)} | {
        "after": {"api_key": "sk-after"}
    }
