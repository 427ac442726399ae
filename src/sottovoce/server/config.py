"""Every setting of the server: its name, default, range and one sentence about it.

A TOML file is weakest, then the environment (``SOTTOVOCE_PORT`` for ``port``), then flags (``--port``).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_type_hints

import msgspec
from msgspec import Meta

from sottovoce.server.errors import BadConfiguration

ENVIRONMENT_PREFIX: Final = "SOTTOVOCE_"

PublicHost = Annotated[str, Meta(pattern=r"^[0-9A-Za-z.:_-]{1,253}\Z")]  # what an invite link has room for


def _default_data() -> Path:
    from platformdirs import user_data_path  # as tomllib below: a start that needs neither loads neither

    return user_data_path("sottovoce") / "server"


class ServerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings. Each field's ``Meta`` has its range, and the sentence that ``serve --help`` shows."""

    data: Annotated[Path, Meta(description="Directory for the database, keys and lock file.")] = (
        msgspec.field(default_factory=_default_data)
    )
    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="TCP port; 0 picks a free one.")] = 7443
    public_host: Annotated[
        PublicHost | None,
        Meta(description="Name or address that invite links give; by default the one listened on."),
    ] = None
    registration: Annotated[
        Literal["invite", "open"], Meta(description="Who may make an account: with an invite, or anybody.")
    ] = "invite"
    invite_days: Annotated[
        int, Meta(ge=1, le=30, description="How long the invite link printed at start is good for, in days.")
    ] = 7
    password_memory_kib: Annotated[
        int, Meta(ge=7168, le=1_048_576, description="Argon2id memory of new accounts' passwords, in KiB.")
    ] = 65_536
    password_iterations: Annotated[
        int, Meta(ge=1, le=16, description="Argon2id passes over that memory.")
    ] = 3
    password_lanes: Annotated[int, Meta(ge=1, le=16, description="Argon2id lanes.")] = 4
    tls_certificate: Annotated[
        Path | None, Meta(description="PEM certificate chain; by default one that the server makes itself.")
    ] = None
    tls_key: Annotated[Path | None, Meta(description="PEM private key of that certificate.")] = None
    keylog: Annotated[
        Path | None,
        Meta(description="Write TLS session secrets here, for Wireshark. Whoever has it reads the traffic."),
    ] = None
    allow: Annotated[
        tuple[str, ...], Meta(description="Networks that may connect, by commas; empty: every one.")
    ] = ()
    deny: Annotated[
        tuple[str, ...], Meta(description="Networks that may not connect, even when allowed above.")
    ] = ()
    connections: Annotated[int, Meta(ge=1, description="Most connections at one time.")] = 12_000
    connections_per_address: Annotated[
        int, Meta(ge=1, description="Most connections of one address (IPv6: of one /64) at one time.")
    ] = 256
    handshake_seconds: Annotated[
        float, Meta(gt=0, le=86_400, description="Longest TLS handshake, in seconds.")
    ] = 10.0
    first_frame_seconds: Annotated[
        float, Meta(gt=0, le=86_400, description="Longest wait for the first frame, in seconds.")
    ] = 10.0
    frame_seconds: Annotated[
        float,
        Meta(gt=0, le=86_400, description="Longest time from a frame's first byte to its last, in seconds."),
    ] = 30.0
    login_seconds: Annotated[
        float,
        Meta(gt=0, le=86_400, description="Longest time from connecting to a device's login, in seconds."),
    ] = 120.0
    stall_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=86_400,
            description="Longest time a client may read nothing that waits for it, in seconds.",
        ),
    ] = 60.0
    outbox_bytes: Annotated[
        int, Meta(ge=65_536, description="Bytes that may wait for a slow reader before it must catch up.")
    ] = 1024 * 1024
    messages_per_second: Annotated[
        float,
        Meta(
            gt=0,
            le=1e9,
            description="Messages (of 4 KiB) a second one account may send for long; more are slowed down.",
        ),
    ] = 500.0
    claims_per_minute: Annotated[
        float, Meta(gt=0, le=1e9, description="Key packages one account may claim a minute for long.")
    ] = 30.0
    turn_seconds: Annotated[
        float, Meta(gt=0, le=86_400, description="How long a device may hold the turn to commit, in seconds.")
    ] = 10.0
    retention_days: Annotated[
        int, Meta(ge=1, le=30, description="Entries of the room logs are deleted after this many days.")
    ] = 30
    commit_interval_ms: Annotated[
        float, Meta(ge=0, le=100, description="Least time between two transactions under load, milliseconds.")
    ] = 4.0
    debug: Annotated[
        bool, Meta(description="Log handshakes and the type and size of every frame; never contents.")
    ] = False
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="The least important lines to log.")
    ] = "info"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, for ``--help`` and the documentation."""

    name: str
    flag: str
    environment: str
    default: object
    description: str


def settings() -> list[Setting]:
    """Every setting, in the order of :class:`ServerConfig`."""
    hints = get_type_hints(ServerConfig, include_extras=True)
    result = []
    for field in msgspec.structs.fields(ServerConfig):
        meta = next(extra for extra in get_args(hints[field.name]) if isinstance(extra, Meta))
        default = field.default_factory() if callable(field.default_factory) else field.default
        result.append(
            Setting(
                field.name,
                "--" + field.name.replace("_", "-"),
                ENVIRONMENT_PREFIX + field.name.upper(),
                default,
                meta.description or "",
            )
        )
    return result


def load_config(
    file: Path | None, environment: Mapping[str, str], flags: Mapping[str, object]
) -> ServerConfig:
    """Put file, environment and flags together; a flag that is None is not given.

    Raises :class:`BadConfiguration` for an unreadable file, an unknown name in it, and any bad value.
    """
    merged: dict[str, object] = {} if file is None else _read_file(file)
    names = [field.name for field in msgspec.structs.fields(ServerConfig)]
    for name in names:
        variable = ENVIRONMENT_PREFIX + name.upper()
        if environment.get(variable):
            merged[name] = environment[variable]
    merged.update({name: value for name, value in flags.items() if value is not None})
    for name in ("allow", "deny"):
        value = merged.get(name)
        if isinstance(value, str):
            merged[name] = [part.strip() for part in value.split(",") if part.strip()]
    try:
        config = msgspec.convert(merged, ServerConfig, strict=False, dec_hook=_decode)
        for network in config.allow + config.deny:
            ipaddress.ip_network(network)
    except (msgspec.ValidationError, ValueError) as error:
        raise BadConfiguration(
            f"A setting is not right: {_plainly(error)}. `sottovoce serve --help` says what each one takes."
        ) from None
    if (config.tls_certificate is None) != (config.tls_key is None):
        raise BadConfiguration("The settings tls_certificate and tls_key go together; only one is given.")
    return config


def _read_file(file: Path) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfiguration(f"The configuration file {file} cannot be read ({error.strerror}).") from None
    except ValueError as error:
        raise BadConfiguration(f"The configuration file {file} is not valid TOML ({error}).") from None


def _plainly(error: Exception) -> str:
    """Say in the words of a configuration file what msgspec says of a value in an object."""
    text = str(error).replace("Object contains unknown field", "there is no setting named")
    text = text.replace("Invalid enum value", "it does not take")
    what, separator, where = text.partition(" - at `$.")
    return f"{where.rstrip('`')}: {what}" if separator else text


def _decode(kind: Any, value: Any) -> Any:
    """Make what msgspec does not know itself: paths, from strings."""
    if isinstance(value, kind):
        return value
    if kind is Path and isinstance(value, str):
        return Path(value).expanduser()
    raise ValueError(f"{value!r} is no {getattr(kind, '__name__', 'value')}")
