"""Settings: the environment, the options, and what cannot be."""

import pickle
from dataclasses import fields
from pathlib import Path

import pytest

from gatewright.errors import ConfigError
from gatewright.settings import PREFIX, TAGS, Settings


def test_an_option_wins_over_the_environment_and_that_over_the_default():
    """Options that are None were not given."""
    settings = Settings.load({"GATEWRIGHT_PORT": "5050", "GATEWRIGHT_HOST": "::1"}, port=6060, host=None)
    assert (settings.port, settings.host, settings.workers) == (6060, "::1", 1)


@pytest.mark.parametrize(
    ("text", "size"), [("1", 1), ("64M", 64 << 20), ("64 MiB", 64 << 20), ("2k", 2048), ("1GB", 1 << 30)]
)
def test_sizes_are_written_as_people_write_them(text, size):
    """Bytes, or with K, M, G."""
    assert Settings.load({"GATEWRIGHT_MAX_BODY": text}).max_body == size


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "http"), ("PORT", "65536"), ("PORT", "-1"), ("WORKERS", "0"), ("MAX_BODY", "lots"), ("MAX_BODY", "0"),
        ("NO_AUTH", "maybe"), ("CONNECT_TIMEOUT", "0"), ("CONNECT_TIMEOUT", "nan"), ("LOG_LEVEL", "loud"),
        ("DATA_DIR", "a\udcffb"), ("DATA_DIR", "a\nb"), ("DATA_DIR", "~nobody-here/x"), ("KEK_FILE", "~nobody-here/x"),
        ("METRICS", "off"), ("STRICT", "maybe"), ("TIMEOUT_MS", "0"), ("RETRIES", "11"), ("FALLBACK_ON", "429"),
        ("HEDGE_MS", "p50"), ("COOLDOWN_SECONDS", "1m"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_used_is_named(name, text):
    """The error says which variable, and the value it had."""
    with pytest.raises(ConfigError) as caught:
        Settings.load({PREFIX + name: text})
    assert f"{PREFIX}{name}={text!r}" in caught.value.public


def test_a_kubernetes_service_link_is_not_a_port():
    """A service named gatewright puts GATEWRIGHT_PORT=tcp://… into every pod."""
    assert Settings.load({"GATEWRIGHT_PORT": "tcp://10.0.0.7:4040"}).port == 4040


def test_no_auth_is_for_loopback_addresses():
    """An open server on all interfaces is refused, with the way out."""
    assert Settings.load({}, no_auth=True, host="127.0.0.1").no_auth
    with pytest.raises(ConfigError, match="loopback address only"):
        Settings.load({}, no_auth=True, host="0.0.0.0")


def test_the_largest_body_must_find_room():
    """Else it could never be served."""
    with pytest.raises(ConfigError, match=r"GATEWRIGHT_MAX_HELD=1048576 is less than GATEWRIGHT_MAX_BODY=2097152"):
        Settings.load({"GATEWRIGHT_MAX_HELD": "1M", "GATEWRIGHT_MAX_BODY": "2M"})


def test_a_short_admin_key_is_refused_without_repeating_it():
    """Sixteen characters at least."""
    with pytest.raises(ConfigError) as caught:
        Settings.load({"GATEWRIGHT_ADMIN_KEY": "canary-short"})
    assert "canary-short" not in caught.value.public


def test_secrets_are_not_in_the_repr():
    """Settings end up in logs and tracebacks."""
    settings = Settings.load(
        {
            "GATEWRIGHT_KEK": "canary-kek",
            "GATEWRIGHT_ADMIN_KEY": "canary-admin-key",
            "GATEWRIGHT_DATABASE": "postgresql://u:canary-db@h/d",
        }
    )
    assert "canary" not in repr(settings)


def test_proxies_are_read_as_other_programs_read_them():
    """Without our prefix, lower case before upper case; empty is not set, and passwords are not shown."""
    given = {
        "HTTPS_PROXY": "http://upper",
        "https_proxy": "http://user:canary@lower",
        "HTTP_PROXY": "",
        "no_proxy": "a",
    }
    settings = Settings.load(given)
    assert settings.proxies == {"HTTPS_PROXY": "http://user:canary@lower", "NO_PROXY": "a"}
    assert "canary" not in repr(settings)


def test_every_setting_is_explained():
    """The class docstring names each field."""
    assert [one.name for one in fields(Settings) if f"        {one.name}: " not in (Settings.__doc__ or "")] == []


def test_no_variable_means_two_things():
    """Those for all endpoints have names of their own."""
    assert {tag.variable for tag in TAGS.values()} & {one.name for one in fields(Settings)} == set()


def test_paths_are_made_absolute():
    """A data directory relative to where the command was typed stays that one."""
    assert Settings.load({"GATEWRIGHT_DATA_DIR": "here"}).data_dir == Path.cwd() / "here"


def test_the_variables_of_the_clouds_are_read_under_their_own_names():
    """Those that are set, and files at their usual place; they are never shown."""
    cloud = Settings.load({"AWS_SECRET_ACCESS_KEY": "canary", "AWS_REGION": "", "PATH": "/bin"}).cloud
    assert cloud == {
        "AWS_SECRET_ACCESS_KEY": "canary",
        "AWS_SHARED_CREDENTIALS_FILE": str(Path("~/.aws/credentials").expanduser()),
        "CLOUDSDK_CONFIG": str(Path("~/.config/gcloud").expanduser()),
    }
    assert "canary" not in repr(Settings.load({"AWS_SECRET_ACCESS_KEY": "canary"}))


def test_settings_can_be_handed_to_another_process():
    """As the demo does, whatever the environment holds."""
    settings = Settings.load({"AWS_REGION": "eu-west-1", "HTTPS_PROXY": "http://proxy.example.com:3128"})
    assert pickle.loads(pickle.dumps(settings)) == settings
