"""Accounts, devices and vaults, over the wire."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time

import msgspec
import pytest

from sottovoce.link import messages as m
from sottovoce.link.connection_state import State
from sottovoce.link.parts import ErrorCode
from sottovoce.opaque.errors import LoginFailed
from sottovoce.server import authentication
from sottovoce.server.store import accounts


async def code_of(awaitable) -> ErrorCode:
    """The code of the refusal that a request must meet."""
    with pytest.raises(Exception, match=":") as refused:
        await awaitable
    return refused.value.code


async def test_an_interrupted_registration_is_resumed_by_sending_the_same_again(server, identity):
    alice = identity("Alice")
    client = await server.client()
    await client.register(alice, server.token)
    finish = client.finish
    await client.close()
    again = await server.client()
    await again.ask(m.RegisterFinish, *finish)
    await again.device_login(alice)
    assert again.connection.state is State.DEVICE


async def test_a_taken_name_is_taken_in_any_case_for_who_is_invited(server, identity):
    await server.device("alice")
    client = await server.client()
    assert await code_of(client.register(identity("ALICE"), server.token)) == ErrorCode.NAME_TAKEN


async def test_two_registrations_of_one_name_at_once_make_one_account(server, identity):
    clients = [await server.client() for _ in range(4)]
    results = await asyncio.gather(
        *(client.register(identity("alice"), server.token) for client in clients), return_exceptions=True
    )
    assert sum(result is None for result in results) == 1
    assert {r.code for r in results if r is not None} == {ErrorCode.NAME_TAKEN}


async def test_a_token_of_a_user_is_for_one_account(server, identity):
    _, alice = await server.device("alice")
    reply = await alice.ask(m.CreateToken, 3600)
    assert time.time() + 3500 < reply.expires_at < time.time() + 3700
    client = await server.client()
    await client.register(identity("bob"), reply.token)
    assert await code_of(client.register(identity("carol"), reply.token)) == ErrorCode.REGISTRATION_REFUSED
    await client.register(identity("dave"), server.token)


async def test_open_registration_needs_no_token(serve, identity):
    server = await serve(registration="open")
    client = await server.client()
    assert client.hello.open_registration
    await client.register(identity("bob"), None)


async def test_a_certificate_of_another_account_is_refused(server, identity):
    alice, mallory = identity("alice"), identity("mallory")
    client = await server.client()
    mallory.certificate, real = alice.certificate, mallory.certificate
    assert await code_of(client.register(mallory, server.token)) == ErrorCode.MALFORMED
    mallory.certificate = lambda: msgspec.structs.replace(real(), signature=bytes(64))
    assert await code_of(client.register(mallory, server.token)) == ErrorCode.MALFORMED
    assert await code_of(client.device_login(mallory)) == ErrorCode.LOGIN_FAILED


async def test_other_stretching_than_offered_is_refused(server, identity):
    alice = identity("alice")
    client = await server.client()
    await client.register(alice, server.token)
    weak = list(client.finish)
    weak[0], weak[3] = "bob", m.Stretching(8, 1, 1)
    assert await code_of(client.ask(m.RegisterFinish, *weak)) == ErrorCode.MALFORMED


async def test_a_new_device_gets_in_by_password_and_the_old_vault(server):
    alice, first = await server.device("Alice")
    await first.ask(m.VaultPut, 1, b"vault two")
    laptop = alice.another_device()
    client = await server.client()
    finished = await client.password_login(laptop)
    assert (finished.vault_version, finished.vault) == (2, b"vault two")
    certificate = laptop.certificate().to_bytes()
    await client.ask(m.EnrolDevice, certificate)
    await client.ask(m.EnrolDevice, certificate)
    other = laptop.certificate().to_bytes()
    assert await code_of(client.ask(m.EnrolDevice, other)) == ErrorCode.NOT_ALLOWED
    await client.device_login(laptop)
    assert (await client.ask(m.VaultGet)).version == 2


async def test_a_device_certified_by_another_account_is_not_enrolled(server, identity):
    alice, _ = await server.device("alice")
    mallory = identity("alice")
    client = await server.client()
    await client.password_login(alice)
    certificate = mallory.certificate().to_bytes()
    assert await code_of(client.ask(m.EnrolDevice, certificate)) == ErrorCode.MALFORMED


@pytest.mark.parametrize("record", [b"", bytes(192)])
async def test_a_damaged_record_is_the_servers_own_trouble_and_nobody_elses(server, caplog, record):
    logging.getLogger("sottovoce.server").propagate = True
    alice, device = await server.device("alice")
    bob, _ = await server.device("bob")
    with sqlite3.connect(server.config.data / "server.db") as db:
        db.execute("UPDATE accounts SET registration_record = ? WHERE name = 'alice'", (record,))
    db.close()
    client = await server.client()
    with pytest.raises(Exception, match="ask whoever runs the server") as refused:
        await client.password_login(alice)
    assert refused.value.code == ErrorCode.INTERNAL
    (logged,) = {entry.message for entry in caplog.records if entry.levelno >= logging.ERROR}
    assert logged.startswith("the OPAQUE record of an account is damaged")
    await client.password_login(bob)
    await device.ask(m.Ping)


async def test_after_a_password_only_ones_own_devices_log_in(server):
    alice, _ = await server.device("alice")
    bob, _ = await server.device("bob")
    client = await server.client()
    await client.password_login(alice)
    assert await code_of(client.device_login(bob)) == ErrorCode.LOGIN_FAILED


async def test_a_wrong_password_fails_at_the_client_and_its_third_message_at_the_server(server, identity):
    alice, _ = await server.device("alice")
    wrong = identity("alice", password=b"wrong")
    client = await server.client()
    with pytest.raises(LoginFailed):
        await client.password_login(wrong)
    assert await code_of(client.ask(m.LoginFinish, os.urandom(64))) == ErrorCode.LOGIN_FAILED
    await client.password_login(alice)


async def test_a_device_login_needs_this_connections_challenge(server, identity):
    alice, _ = await server.device("alice")
    client = await server.client()
    client.hello = msgspec.structs.replace(client.hello, challenge=os.urandom(32))
    assert await code_of(client.device_login(alice)) == ErrorCode.LOGIN_FAILED
    assert await code_of(client.device_login(identity("alice"))) == ErrorCode.LOGIN_FAILED
    assert await code_of(client.device_login(identity("nobody"))) == ErrorCode.LOGIN_FAILED


async def test_the_vault_is_compared_and_set(server):
    _alice, first = await server.device("alice")
    await first.ask(m.VaultPut, 1, b"two")
    assert await code_of(first.ask(m.VaultPut, 1, b"lost")) == ErrorCode.VAULT_CONFLICT
    reply = await first.ask(m.VaultGet)
    assert (reply.version, reply.vault) == (2, b"two")


async def test_a_version_nobody_speaks_closes_the_connection(server, link_client):
    client = await link_client(server.address).open()
    client.begin(m.Hello, [99], "future")
    await asyncio.wait_for(client.closed.wait(), 10)
    assert client.last_error.code == ErrorCode.UNSUPPORTED_VERSION
    await client.close()


async def test_a_device_that_was_not_there_can_log_in_once_it_is(server, identity):
    alice, client = await server.device("alice")
    second = alice.another_device()
    stranger = await server.client()
    assert await code_of(stranger.device_login(second)) == ErrorCode.LOGIN_FAILED
    await client.close()
    other = await server.client()
    await other.password_login(alice)
    await other.ask(m.EnrolDevice, second.certificate().to_bytes())
    await stranger.device_login(second)
    assert stranger.connection.state is State.DEVICE


async def test_devices_are_read_once_and_only_so_many_are_kept(server, identity, monkeypatch):
    monkeypatch.setattr(authentication, "MAX_DEVICES_KNOWN", 2)
    reads = []
    find_device = accounts.find_device
    monkeypatch.setattr(accounts, "find_device", lambda *key: (reads.append(key[1]), find_device(*key))[1])
    people = {name: (await server.device(name))[0] for name in ("alice", "bob", "carol")}

    async def reads_of_a_login(name: str) -> list[str]:
        reads.clear()
        await (await server.client()).device_login(people[name])
        return list(reads)

    assert await reads_of_a_login("carol") == []
    assert await reads_of_a_login("bob") == []
    assert await reads_of_a_login("alice") == ["alice"], "the first was forgotten"
    assert await reads_of_a_login("bob") == ["bob"], "then the next"


async def test_a_known_device_needs_its_signature_all_the_same(server):
    alice, _client = await server.device("alice")
    thief = alice.another_device()
    thief.device_id = alice.device_id
    client = await server.client()
    assert await code_of(client.device_login(thief)) == ErrorCode.LOGIN_FAILED
    await client.device_login(alice)
