"""One frozen Settings, built once at the start: the only reader of the environment.

Every field is set by `GATEWRIGHT_` and its name in upper case; a command-line option of the same name wins.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gatewright.errors import ConfigError
from gatewright.settings import readers
from gatewright.settings.tags import TAGS

PREFIX = "GATEWRIGHT_"

_KUBERNETES_LINK = re.compile(r"tcp://\S+")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")

# The variables that AWS's and Google's own clients read to find the server's own identity, with what stands for one
# that is not set: https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html and
# https://cloud.google.com/docs/authentication/application-default-credentials
CLOUD = {
    "AWS_ACCESS_KEY_ID": "",
    "AWS_SECRET_ACCESS_KEY": "",
    "AWS_SESSION_TOKEN": "",
    "AWS_REGION": "",
    "AWS_DEFAULT_REGION": "",
    "AWS_PROFILE": "",
    "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "",
    "AWS_ROLE_ARN": "",
    "AWS_ROLE_SESSION_NAME": "",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "",
    "AWS_EC2_METADATA_DISABLED": "",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT": "",
    "AWS_ENDPOINT_URL_STS": "",
    "GOOGLE_APPLICATION_CREDENTIALS": "",
    "GOOGLE_CLOUD_PROJECT": "",
    "CLOUDSDK_CONFIG": "~/.config/gcloud",
    "GCE_METADATA_HOST": "",
}

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
"""The variables by which programs are told of proxies."""


def _cloud(variables: Mapping[str, str]) -> Mapping[str, str]:
    """Those of `CLOUD` that have a value; what begins with `~` is a path."""
    found = {name: os.path.expanduser(variables.get(name) or usual) for name, usual in CLOUD.items()}  # noqa: PTH111
    return {name: text for name, text in found.items() if text}


def _proxies(variables: Mapping[str, str]) -> Mapping[str, str]:
    """Those of `PROXIES` that have a value; one written in lower case wins, as it does with curl."""
    found = {name: variables.get(name.lower()) or variables.get(name) for name in PROXIES}
    return {name: text for name, text in found.items() if text}


def _setting(read: Callable[[str], Any], default: Any, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"read": read})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator can set.

    Attributes:
        host: address to listen on.
        port: TCP port to listen on; 0 takes a free one.
        data_dir: folder of the SQLite database, the journal, the last good configuration and the key file.
        database: SQLAlchemy URL (`sqlite:///file`, `postgresql://…`); empty for `gatewright.db` in `data_dir`.
        redis: Valkey or Redis through which machines share which targets are to be left alone; empty for the database.
        workers: number of server processes.
        drain_seconds: seconds for which a server that stops waits for requests under way.
        no_auth: serve without keys; refused unless `host` is a loopback address.
        admin_key: an admin key given from outside instead of the one made at the first start; at least 16 characters.
        kek: key-encryption keys, base64 or hex of 32 bytes, comma-separated; the first encrypts, all decrypt.
        kek_file: file of key-encryption keys, one a line, used when `kek` is not set; empty for `kek` in `data_dir`.
        allow_private_upstreams: let `api_base` be `http` and point at private or loopback addresses.
        max_body: largest request body in bytes.
        max_concurrency: most requests one process serves at once; more wait their turn.
        max_held: most bytes of request bodies one process holds at once; at least `max_body`.
        queue_seconds: longest time a request waits for its turn, in each queue; then it is refused.
        upstream_connections: most connections of one process to one upstream address; more requests wait their turn.
        connect_timeout: seconds to get a connection to an upstream: waiting for its turn, opening it, TLS included.
        first_byte_timeout: seconds from the request sent to the first byte of the answer.
        idle_timeout: seconds without a byte while an upstream answers.
        stream_floor: bytes a second that an event of a stream brings which takes longer than that; 0 for any.
        total_timeout: seconds for one upstream attempt from start to end.
        ca_file: PEM file of certificate authorities to trust for upstreams; empty for the system's.
        client_cert: PEM file of the certificate shown to upstreams that ask for one; empty for none.
        client_key: PEM file of the private key of `client_cert`; empty when it is in the same file.
        journal_limit: most bytes of the requests that wait to be stored; past it they are served, not recorded.
        ledger_days: days for which finished requests are kept; 0 for ever.
        fast_lane: serve a provider's API straight from the socket; 0 goes through ASGI, which is slower.
        metrics: who may read /metrics: `key` for whoever has a valid key, `open` for everybody.
        log_level: `debug`, `info`, `warning` or `error`.
        cloud: what the environment says about the server's own identity at AWS and Google: their clients' variables,
            those that are set and those with a usual value. These have no `GATEWRIGHT_` and are no options.
        proxies: those of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` that are set, in upper or lower case, by their
            upper-case names. They are no options either.
        usual: how endpoints treat their requests where their tags do not say it: fields of their policy by name, read
            from the variables of `TAGS`. They are no options either.
    """

    host: str = _setting(readers.text, "127.0.0.1")
    port: int = _setting(readers.integer(0, 65535), 4040)
    data_dir: Path = _setting(readers.path, Path("~/.gatewright").expanduser())
    database: str = _setting(readers.text, "", secret=True)
    redis: str = _setting(readers.text, "", secret=True)
    workers: int = _setting(readers.integer(1, 256), 1)
    drain_seconds: int = _setting(readers.integer(0, 86400), 30)
    no_auth: bool = _setting(readers.flag, default=False)
    admin_key: str = _setting(readers.text, "", secret=True)
    kek: str = _setting(readers.text, "", secret=True)
    kek_file: str = _setting(readers.optional_path, "")
    allow_private_upstreams: bool = _setting(readers.flag, default=False)
    max_body: int = _setting(readers.size, 64 << 20)
    max_concurrency: int = _setting(readers.integer(1, 1_000_000), 2000)
    max_held: int = _setting(readers.size, 1 << 30)
    queue_seconds: float = _setting(readers.seconds, 1.0)
    upstream_connections: int = _setting(readers.integer(1, 65535), 2000)
    connect_timeout: float = _setting(readers.seconds, 10.0)
    first_byte_timeout: float = _setting(readers.seconds, 300.0)
    idle_timeout: float = _setting(readers.seconds, 120.0)
    stream_floor: int = _setting(readers.integer(0, 1_000_000), 100)
    total_timeout: float = _setting(readers.seconds, 900.0)
    ca_file: str = _setting(readers.text, "")
    client_cert: str = _setting(readers.text, "")
    client_key: str = _setting(readers.text, "")
    journal_limit: int = _setting(readers.size, 1 << 30)
    ledger_days: int = _setting(readers.integer(0, 36500), 90)
    fast_lane: bool = _setting(readers.flag, default=True)
    metrics: str = _setting(readers.one_of("key", "open"), "key")
    log_level: str = _setting(readers.text, "info")
    cloud: Mapping[str, str] = field(default_factory=dict, repr=False)
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    usual: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what depends on more than one setting.

        Raises:
            ConfigError: naming the setting and what to do.
        """
        if self.no_auth and self.host not in _LOOPBACK:
            raise ConfigError(
                f"--no-auth serves everybody who can reach {self.host}. It is allowed on a loopback address only: "
                "use --host 127.0.0.1, or leave --no-auth out and use keys."
            )
        if self.admin_key and len(self.admin_key) < 16:
            raise ConfigError("GATEWRIGHT_ADMIN_KEY is too short to be safe: use at least 16 characters.")
        if self.max_held < self.max_body:
            raise ConfigError(
                f"GATEWRIGHT_MAX_HELD={self.max_held} is less than GATEWRIGHT_MAX_BODY={self.max_body}: "
                "there must be room for the largest body."
            )
        if self.log_level not in ("debug", "info", "warning", "error"):
            raise ConfigError(f"GATEWRIGHT_LOG_LEVEL={self.log_level!r}: use debug, info, warning or error.")

    @property
    def database_url(self) -> str:
        """The database in use: the one given, or SQLite in the data directory."""
        return self.database or f"sqlite:///{quote(str(self.data_dir / 'gatewright.db'))}"

    @property
    def journal(self) -> Path:
        """The folder of the requests that wait to be stored."""
        return self.data_dir / "journal"

    @property
    def neighbours(self) -> Path:
        """The folder where the workers find each other."""
        return self.data_dir / "workers"

    @property
    def metrics_folder(self) -> Path:
        """The folder of what the workers have counted."""
        return self.data_dir / "metrics"

    @property
    def snapshot(self) -> Path:
        """The file of the last good configuration."""
        return self.data_dir / "snapshot"

    @property
    def lasting_seconds(self) -> float:
        """Seconds for which a worker that was replaced waits for requests under way: as long as one may take."""
        return max(self.drain_seconds, self.total_timeout)

    @property
    def running_folder(self) -> Path:
        """The folder of which servers run."""
        return self.data_dir / "run"

    @property
    def kek_path(self) -> Path:
        """The file of key-encryption keys, used when `kek` is not set."""
        return Path(self.kek_file).absolute() if self.kek_file else self.data_dir / "kek"

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, **options: Any) -> "Settings":
        """Read the environment, then let the options that are not None win.

        Args:
            environ: variables to read instead of the process's own.
            options: settings by name, already of their type, as a command line gives them.

        Raises:
            ConfigError: for a value that cannot be read; a secret's value is not repeated.
        """
        variables = os.environ if environ is None else environ
        values: dict[str, Any] = {"cloud": _cloud(variables), "proxies": _proxies(variables)}
        values |= _given(variables, ((one.name, one.name, one.metadata["read"], one.repr) for one in settable()))
        values["usual"] = _given(variables, ((tag.variable, tag.sets, tag.read, True) for tag in TAGS.values()))
        values |= {name: value for name, value in options.items() if value is not None}
        return cls(**values)


def _given(variables: Mapping[str, str], rows: Iterable[tuple[str, str, Callable[[str], Any], bool]]) -> dict[str, Any]:
    """The values of those of our variables that are set.

    Args:
        variables: all there are.
        rows: name of a variable, the name of its value, what reads it, and whether it may be shown.

    Raises:
        ConfigError: when one cannot be read.
    """
    found = {}
    for variable_name, name, read, shown in rows:
        key = PREFIX + variable_name.upper()
        text = variables.get(key)
        # Kubernetes gives pods of a namespace with a service "gatewright" GATEWRIGHT_PORT=tcp://…; it is not ours.
        if text is None or _KUBERNETES_LINK.fullmatch(text):
            continue
        try:
            found[name] = read(text)
        except ValueError as problem:
            said = f"={text!r}" if shown else ""
            raise ConfigError(f"{key}{said} cannot be used: {problem}.") from None
    return found


def settable() -> list[Field[Any]]:
    """The fields that an operator sets, by a variable of our own or an option."""
    return [one for one in fields(Settings) if "read" in one.metadata]


def variable(name: str) -> str | None:
    """An environment variable that is not a setting but is named by one of the operator's files; None when not set."""
    return os.environ.get(name)
