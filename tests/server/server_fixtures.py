"""Fixtures: a real server on a free port of loopback, and a small client over real TLS."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from server_process import ServerProcess

from sottovoce.crypto.signatures import ed25519_key_pair, ed25519_sign
from sottovoce.link import messages as m
from sottovoce.link.certificates import DeviceCertificate, device_login_content, opaque_context
from sottovoce.link.connection import ClientConnection
from sottovoce.link.invite_link import InviteLink
from sottovoce.opaque.client import ClientLogin, ClientRegistration
from sottovoce.server.app import ServerAddress, run
from sottovoce.server.config import ServerConfig, load_config
from sottovoce.server.peer import Peer, Phase

PATIENCE = 20.0  # seconds: how long a test waits for what must happen


class RefusedByServer(Exception):
    """An ErrorReply."""

    def __init__(self, reply: m.ErrorReply) -> None:
        super().__init__(f"{reply.code}: {reply.message}")
        self.reply = reply
        self.code = reply.code


def no_stretching(password: bytes) -> bytes:
    """Stands in for Argon2id: what it costs is the client's affair."""
    return password.ljust(64, b"\0")


class Identity:
    """An account with one device."""

    def __init__(self, user: str, password: bytes = b"correct horse") -> None:
        self.user = user
        self.password = password
        self.account = ed25519_key_pair(os.urandom(32))
        self.authentication = ed25519_key_pair(os.urandom(32))
        self.device_id = os.urandom(16)

    @property
    def device(self) -> m.Device:
        return m.Device(self.user, self.device_id)

    def certificate(self) -> DeviceCertificate:
        return DeviceCertificate.issue(
            self.account.private,
            user=self.user,
            device_id=self.device_id,
            account_key=self.account.public,
            signature_key=ed25519_key_pair(os.urandom(32)).public,
            authentication_key=self.authentication.public,
        )

    def another_device(self) -> Identity:
        other = Identity(self.user, self.password)
        other.account = self.account
        return other


class LinkClient:
    """Requests and replies by id, pushes in a queue."""

    def __init__(self, address: ServerAddress) -> None:
        self.address = address
        self.connection = ClientConnection()
        self.pushes: asyncio.Queue[m.Push] = asyncio.Queue()
        self.ids = itertools.count(1)
        self.waiting: dict[int, asyncio.Future[Any]] = {}
        self.last_error: m.ErrorReply | None = None
        self.closed = asyncio.Event()
        self.hello: m.HelloReply

    async def open(self, *, local_addr: tuple[str, int] | None = None) -> LinkClient:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols([m.ALPN])
        self.reader, self.writer = await asyncio.open_connection(
            self.address.host, self.address.port, ssl=context, local_addr=local_addr
        )
        self.task = asyncio.get_running_loop().create_task(self._pump())
        return self

    async def greet(self) -> LinkClient:
        self.hello = await self.ask(m.Hello, [1], "test")
        return self

    async def _pump(self) -> None:
        try:
            while data := await self.reader.read(65536):
                self.connection.receive_data(data)
                for event in self.connection.events():
                    if isinstance(event, m.Push):
                        self.pushes.put_nowait(event)
                    elif event.id is None:
                        self.last_error = event
                    else:
                        self.waiting.pop(event.id).set_result(event)
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            self.closed.set()
            for future in self.waiting.values():
                if not future.done():
                    future.set_exception(ConnectionResetError("the server closed the connection"))

    def begin(self, kind: Callable[..., Any], *fields: Any, **named: Any) -> asyncio.Future[Any]:
        if self.closed.is_set():
            raise ConnectionResetError("the server closed the connection")
        number = next(self.ids)
        self.connection.send(kind(number, *fields, **named))
        future = asyncio.get_running_loop().create_future()
        self.waiting[number] = future
        self.writer.write(self.connection.data_to_send())
        return future

    async def ask(self, kind: Callable[..., Any], *fields: Any, **named: Any) -> Any:
        reply = await asyncio.wait_for(self.begin(kind, *fields, **named), PATIENCE)
        if isinstance(reply, m.ErrorReply):
            raise RefusedByServer(reply)
        return reply

    async def pushed(self, kind: type[m.Push] = m.EntriesPush) -> Any:
        while True:
            push = await asyncio.wait_for(self.pushes.get(), PATIENCE)
            if isinstance(push, kind):
                return push

    async def entries(self, count: int) -> list[m.Entry]:
        entries: list[m.Entry] = []
        while len(entries) < count:
            entries += (await self.pushed()).entries
        return entries

    async def register(self, identity: Identity, token: bytes | None) -> None:
        registration = ClientRegistration.start(identity.password, random=os.urandom)
        reply = await self.ask(m.RegisterStart, identity.user, token, registration.request)
        result = registration.finish(
            reply.registration_response,
            server_identity=self.address.pin,
            client_identity=identity.user.lower().encode(),
            ksf=no_stretching,
            random=os.urandom,
        )
        finish = (
            identity.user, token, result.record, reply.stretching, identity.account.public,
            identity.certificate().to_bytes(), b"vault",
        )  # fmt: skip
        self.finish = finish
        await self.ask(m.RegisterFinish, *finish)

    async def device_login(self, identity: Identity) -> None:
        content = device_login_content(
            self.hello.challenge, self.address.pin, identity.user, identity.device_id
        )
        signature = ed25519_sign(identity.authentication.private, content)
        await self.ask(m.DeviceLogin, identity.user, identity.device_id, signature)

    async def password_login(self, identity: Identity) -> m.LoginFinishReply:
        login = ClientLogin.start(identity.password, random=os.urandom)
        reply = await self.ask(m.LoginStart, identity.user, login.ke1)
        name = identity.user.lower().encode()
        result = login.finish(
            reply.ke2,
            context=opaque_context(self.address.pin, reply.stretching),
            client_identity=name,
            server_identity=self.address.pin,
            ksf=no_stretching,
        )
        finished: m.LoginFinishReply = await self.ask(m.LoginFinish, result.ke3)
        return finished

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
            await self.writer.wait_closed()
        await self.task


class RunningServer:
    """A server in this process and this event loop."""

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self.clients: list[LinkClient] = []
        self.stopping = asyncio.Event()

    async def start(self) -> RunningServer:
        ready: asyncio.Future[ServerAddress] = asyncio.get_running_loop().create_future()
        self.task = asyncio.get_running_loop().create_task(
            run(self.config, ready=ready.set_result, stop=self.stopping)
        )
        await asyncio.wait({ready, self.task}, return_when=asyncio.FIRST_COMPLETED)
        if self.task.done():
            self.task.result()
        self.address = ready.result()
        self.token = InviteLink.parse(self.address.invite, now=0).token
        return self

    async def stop(self) -> None:
        self.stopping.set()
        await asyncio.wait_for(self.task, PATIENCE)

    async def client(self, **options: Any) -> LinkClient:
        client = await LinkClient(self.address).open(**options)
        self.clients.append(client)
        return await client.greet()

    async def device(self, user: str) -> tuple[Identity, LinkClient]:
        """A new account, its device logged in."""
        identity = Identity(user)
        client = await self.client()
        await client.register(identity, self.token)
        await client.device_login(identity)
        return identity, client

    def listener_peers(self) -> list[Peer]:
        """Every connection the server has: this process has no other Peer objects."""
        return [peer for peer in gc.get_objects() if type(peer) is Peer and peer._phase is Phase.OPEN]

    async def close(self) -> None:
        for client in self.clients:
            await client.close()
        await self.stop()


Serve = Callable[..., Awaitable[RunningServer]]


@pytest.fixture
async def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serve]:
    """Start servers with settings of the test's choice; all are stopped at its end."""
    monkeypatch.setenv("SOTTOVOCE_RUNTIME_DIR", str(tmp_path / "run"))
    servers: list[RunningServer] = []

    async def start(**settings: Any) -> RunningServer:
        config = load_config(None, {}, {"data": tmp_path / "data", "port": 0, **settings})
        server = await RunningServer(config).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.close()


@pytest.fixture
async def server(serve: Serve) -> RunningServer:
    """A server with the default settings."""
    return await serve()


@pytest.fixture
def identity() -> Callable[..., Identity]:
    """Make accounts."""
    return Identity


@pytest.fixture
def server_process(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server in a process of its own, not started."""
    process = ServerProcess(tmp_path)
    yield process
    if hasattr(process, "process") and process.process.poll() is None:
        process.kill()


@pytest.fixture
def link_client() -> type[LinkClient]:
    """The small client, for servers the test starts itself."""
    return LinkClient
