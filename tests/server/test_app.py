"""A whole server, over real TLS: from an invite to a message on two screens, starts that fail, restarts."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest
from server_fixtures import PATIENCE

from sottovoce.crypto.certificates import self_signed_certificate
from sottovoce.link import messages as m
from sottovoce.link.invite_link import InviteLink
from sottovoce.server import app, errors
from sottovoce.server.app import run
from sottovoce.server.config import load_config
from sottovoce.server.listener import listening_socket
from sottovoce.server.log import set_up_logging
from sottovoce.server.store.store import Store
from sottovoce.server.store.writer import StoreFailure


async def test_two_devices_talk_in_a_room(server):
    _alice, a = await server.device("Alice")
    bob, b = await server.device("bob")
    room = os.urandom(16)
    await a.ask(m.RoomCreate, room, b"sealed 0")
    turn = await b.ask(m.Turn, room, True)
    assert (turn.epoch, turn.head, turn.group_info) == (0, 0, b"sealed 0")
    commit = await b.ask(m.Commit, room, os.urandom(16), 0, b"join", b"sealed 1", added=[bob.device])
    assert commit.seq == 1
    assert (await a.ask(m.Subscribe, room)).head == 1
    assert (await b.ask(m.Subscribe, room)).head == 1
    messages = [m.Outgoing(os.urandom(16), 1, text) for text in (b"hi", b"all")]
    assert (await a.ask(m.Append, room, messages)).seqs == [2, 3]
    for client in (a, b):
        assert [(e.seq, e.payload) for e in await client.entries(2)] == [(2, b"hi"), (3, b"all")]
    fetched = await b.ask(m.Fetch, room, 0)
    assert [e.payload for e in fetched.entries] == [b"join", b"hi", b"all"]
    assert (fetched.head, fetched.first) == (3, 1)
    assert (await a.ask(m.RoomState, room)).group_info == b"sealed 1"


async def test_a_connection_that_is_gone_is_freed_without_the_garbage_collector(server):
    _alice, client = await server.device("Alice")
    gc.collect()
    gc.disable()
    try:
        before = _connections()
        await client.close()
        async with asyncio.timeout(PATIENCE):  # a thread may hold what it has just done for a moment
            while server.listener_peers() or _connections() > before - 2:  # noqa: ASYNC110 - no event is set
                await asyncio.sleep(0.01)
        assert _connections() == before - 2, "its Peer and its Session"
    finally:
        gc.enable()


def _connections():
    return sum(type(x).__name__ in ("Peer", "Session") for x in gc.get_objects())


async def test_a_restart_keeps_key_lobby_and_passwords(serve):
    first = await serve()
    alice, client = await first.device("alice")
    lobby = (await client.ask(m.RoomList)).rooms[0]
    await client.close()
    await first.stop()
    second = await serve()
    assert second.address.pin == first.address.pin
    client = await second.client()
    await client.password_login(alice)
    await client.device_login(alice)
    assert (await client.ask(m.RoomList)).rooms[0] == lobby
    link = InviteLink.parse(second.address.invite, now=0)
    assert (link.room_id, link.join_secret.reveal()) == (lobby.room_id, lobby.open_join_secret)
    assert link.token != InviteLink.parse(first.address.invite, now=0).token


async def test_every_file_is_private(server):
    data = server.config.data
    assert data.stat().st_mode & 0o777 == 0o700
    names = {path.name: path.stat().st_mode & 0o777 for path in data.iterdir()}
    assert {"server.db", "tls-key.pem", "opaque-setup.bin", "lock"} <= set(names)
    assert set(names.values()) == {0o600}, names


async def test_a_directory_from_a_backup_that_others_can_read_is_told_in_one_line(serve, capsys):
    server = await serve()
    await server.stop()
    data = server.config.data
    for directory, file, warnings in ((0o755, 0o644, 1), (0o700, 0o644, 0), (0o755, 0o600, 0)):
        data.chmod(directory)
        (data / "server.db").chmod(file)
        capsys.readouterr()
        await (await serve()).stop()
        said = [line for line in capsys.readouterr().err.splitlines() if " WARNING " in line]
        assert len(said) == warnings, (oct(directory), oct(file))
        assert all(f"chmod -R go-rwx` keeps them out directory={data}" in line for line in said)


async def test_a_second_server_on_the_same_directory_or_port_is_told_so(serve, tmp_path):
    server = await serve()
    with pytest.raises(errors.DataDirectoryInUse):
        await serve()
    with pytest.raises(errors.PortInUse):
        await serve(data=tmp_path / "other", port=server.address.port)


@pytest.mark.parametrize(
    ("host", "port"), [("192.0.2.7", 0), ("no.such.host.invalid", 0), ("a..b", 0), ("a" * 70, 0)]
)
def test_an_address_that_is_not_ours_is_told_so(host, port):
    with pytest.raises(errors.AddressNotUsable):
        listening_socket(host, port)


@pytest.mark.parametrize("name", ["opaque-setup.bin", "tls-key.pem", "tls-certificate.pem", "server.db"])
async def test_damaged_files_stop_the_start_and_stay_as_they_are(serve, name):
    copy = await directory_with_an_account(serve)
    (copy / name).write_bytes(b"damaged" * 100)
    with pytest.raises(errors.DataDirectoryDamaged, match=name if name != "tls-key.pem" else "damaged"):
        await serve(data=copy)
    assert (copy / name).read_bytes() == b"damaged" * 100
    (copy / name).unlink()
    with pytest.raises(errors.DataDirectoryDamaged, match=name):
        await serve(data=copy)
    assert not (copy / name).exists(), "nothing is made anew in a directory that has served"


async def test_a_server_that_can_check_no_password_stops_by_itself(serve):
    copy = await directory_with_an_account(serve)
    (copy / "opaque-setup.bin").write_bytes(b"\xff" * 192)  # looked into only when the server listens
    listened = []
    with pytest.raises(errors.DataDirectoryDamaged, match=r"opaque-setup\.bin"):
        await asyncio.wait_for(
            run(load_config(None, {}, {"data": copy, "port": 0}), ready=listened.append), PATIENCE
        )
    assert len(listened) == 1


async def directory_with_an_account(serve):
    """A copy of the data directory of a server that stopped after somebody registered."""
    server = await serve()
    await server.device("alice")
    await server.stop()
    copy = server.config.data.with_name("damaged")
    shutil.copytree(server.config.data, copy)
    return copy


async def test_a_lost_identity_or_an_emptied_database_is_not_made_anew(serve):
    copy = await directory_with_an_account(serve)
    for name in ("tls-key.pem", "tls-certificate.pem"):
        (copy / name).rename(copy / f"{name}.lost")
    with pytest.raises(errors.DataDirectoryDamaged, match=r"tls-key\.pem"):
        await serve(data=copy)
    for name in ("tls-key.pem", "tls-certificate.pem"):
        (copy / f"{name}.lost").rename(copy / name)
    (copy / "server.db").write_bytes(b"")
    with pytest.raises(errors.DataDirectoryDamaged, match=r"server\.db"):
        await serve(data=copy)


async def test_a_first_start_that_was_cut_off_is_begun_again(serve, tmp_path):
    server = await serve()
    await server.stop()
    copy = tmp_path / "cut-off"
    shutil.copytree(server.config.data, copy)
    (copy / "opaque-setup.bin").unlink()  # the last thing a first start makes
    assert (await serve(data=copy)).address.pin == server.address.pin


async def test_an_operators_certificate_is_used_and_an_expired_one_refused(serve, tmp_path):
    now = datetime.now(UTC)
    for name, when in (("good", now), ("old", now - timedelta(days=4000))):
        made = self_signed_certificate(["localhost"], when)
        (tmp_path / f"{name}.pem").write_bytes(made.certificate)
        (tmp_path / f"{name}.key").write_bytes(made.private_key.reveal())
    server = await serve(tls_certificate=tmp_path / "good.pem", tls_key=tmp_path / "good.key")
    assert not (server.config.data / "tls-key.pem").exists()
    for certificate, key, why in (
        ("old", "old", "expired"), ("good", "old", "cannot be used"), ("missing", "good", "cannot be used")
    ):  # fmt: skip
        with pytest.raises(errors.TlsFilesUnusable, match=why):
            await serve(
                data=tmp_path / "other",
                tls_certificate=tmp_path / f"{certificate}.pem",
                tls_key=tmp_path / f"{key}.key",
            )


async def test_settings_that_are_too_weak_for_passwords_are_refused(serve):
    with pytest.raises(errors.BadConfiguration):
        await serve(password_memory_kib=7168, password_iterations=1)


async def test_the_key_log_is_written(serve, tmp_path):
    server = await serve(keylog=tmp_path / "keys.txt")
    await server.client()
    assert "SERVER_TRAFFIC_SECRET_0" in (tmp_path / "keys.txt").read_text()
    assert (tmp_path / "keys.txt").stat().st_mode & 0o777 == 0o600
    with pytest.raises(errors.TlsFilesUnusable, match="key log"):
        await serve(data=tmp_path / "other", keylog=tmp_path / "missing" / "keys.txt")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command on this machine")
async def test_ffdhe2048_with_aes_256_gcm_is_negotiated(server):
    command = [
        "openssl", "s_client", "-connect", f"{server.address.host}:{server.address.port}",
        "-groups", "ffdhe2048", "-ciphersuites", "TLS_AES_256_GCM_SHA384", "-alpn", m.ALPN,
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 20)
    text = output.decode()
    assert re.search(r"New, TLSv1\.3, Cipher is TLS_AES_256_GCM_SHA384", text), text
    assert re.search(r"Server Temp Key: (DH|ffdhe2048), 2048 bits|Peer Temp Key: .*2048", text), text


async def test_only_tls_1_3_and_no_ticket_is_given(server):
    client = await server.client()
    tls = client.writer.get_extra_info("ssl_object")
    assert tls.version() == "TLSv1.3"
    assert tls.selected_alpn_protocol() == m.ALPN
    assert tls.session is None or not tls.session.has_ticket


async def test_what_lies_in_the_store_is_served_as_it_lies(server):
    """A flipped bit is for the clients to find: the server cannot read what it stores."""
    _, client = await server.device("alice")
    room = os.urandom(16)
    await client.ask(m.RoomCreate, room, b"g")
    await client.ask(m.Append, room, [m.Outgoing(os.urandom(16), 0, b"abc")])
    db = sqlite3.connect(server.config.data / "server.db")
    db.execute("UPDATE segments SET entries = CAST(replace(entries, x'616263', x'616363') AS BLOB)")
    db.commit()
    db.close()
    assert [e.payload for e in (await client.ask(m.Fetch, room, 0)).entries] == [b"acc"]


async def test_old_entries_go_and_the_log_says_where_it_begins(serve):
    first = await serve(retention_days=1)
    alice, client = await first.device("alice")
    room = os.urandom(16)
    await client.ask(m.RoomCreate, room, b"g")
    for numbers in (range(3), range(3, 5)):
        await client.ask(m.Append, room, [m.Outgoing(os.urandom(16), 0, b"%d" % n) for n in numbers])
    await client.close()
    await first.stop()
    db = sqlite3.connect(first.config.data / "server.db")
    db.execute("UPDATE segments SET at = ? WHERE last_seq <= 3", (int((time.time() - 2 * 86400) * 1000),))
    db.commit()
    db.close()
    second = await serve(retention_days=1)
    client = await second.client()
    await client.device_login(alice)
    reply = await client.ask(m.Fetch, room, 0)
    while reply.first == 1:  # deletion runs beside the first requests
        reply = await client.ask(m.Fetch, room, 0)
    assert ([e.seq for e in reply.entries], reply.first, reply.head) == ([4, 5], 4, 5)


@pytest.mark.parametrize("trouble", [StoreFailure("no disk"), sqlite3.OperationalError("disk I/O error")])
async def test_a_disk_that_failed_once_does_not_end_the_deleting_of_old_entries(monkeypatch, capsys, trouble):
    set_up_logging("info")
    monkeypatch.setattr(app, "_RETENTION_EVERY", 0.0)
    again, times = asyncio.Event(), []

    class Delivery:
        async def delete_older_than(self, before_ms):
            times.append(before_ms)
            if len(times) == 1:
                raise trouble
            again.set()
            return 0

    class Store:
        async def write(self, _work):
            return None

    keeping = asyncio.create_task(app._keep_retention(Delivery(), Store(), 30))
    await asyncio.wait_for(again.wait(), 10)
    keeping.cancel()
    assert type(trouble).__name__ in capsys.readouterr().err


async def test_a_store_that_fails_is_told_as_internal_and_nothing_is_acknowledged(server):
    _, client = await server.device("alice")
    room = os.urandom(16)
    await client.ask(m.RoomCreate, room, b"g")
    db = sqlite3.connect(server.config.data / "server.db")
    db.execute("CREATE TRIGGER full BEFORE INSERT ON segments BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    db.commit()
    message = m.Outgoing(os.urandom(16), 0, b"x")
    reply = await client.begin(m.Append, room, [message])
    assert reply.code == m.ErrorCode.INTERNAL
    db.execute("DROP TRIGGER full")
    db.commit()
    db.close()
    assert (await client.ask(m.Append, room, [message])).seqs == [1]


async def test_stopping_tells_clients_and_ends_them(serve):
    server = await serve()
    _, client = await server.device("alice")
    stopping = asyncio.ensure_future(server.stop())
    assert (await client.pushed(m.ServerStopping)).retry_after > 0
    await asyncio.wait_for(client.closed.wait(), 10)
    await stopping
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.address.host, server.address.port), timeout=1)


async def test_clients_are_told_of_the_stop_also_when_the_disk_fails(serve, monkeypatch):
    server = await serve()
    _, client = await server.device("alice")

    async def fail(_self, _work):
        raise StoreFailure("no disk")

    monkeypatch.setattr(Store, "write", fail)
    stopping = asyncio.ensure_future(server.stop())
    assert (await client.pushed(m.ServerStopping)).retry_after > 0
    await stopping


async def test_a_disk_that_fails_at_the_start_is_told(serve, monkeypatch):
    async def fail(_self, _work):
        raise StoreFailure("no disk")

    monkeypatch.setattr(Store, "write", fail)
    with pytest.raises(errors.DataDirectoryUnwritable, match="no disk"):
        await serve()


async def test_a_server_that_cannot_leave_its_runtime_file_serves_all_the_same(
    serve, tmp_path, monkeypatch, capsys
):
    (tmp_path / "run").write_text("in the way")
    await (await serve()).device("alice")
    assert "no runtime file" in capsys.readouterr().err


async def test_after_the_stop_signals_are_not_ours_any_more(serve):
    server = await serve()
    await server.stop()
    loop = asyncio.get_running_loop()
    assert not loop.remove_signal_handler(signal.SIGTERM)
    assert not loop.remove_signal_handler(signal.SIGINT)


async def test_who_asks_too_fast_is_served_on_after_each_pause(server_process, link_client, identity):
    """In a process of its own: with the event loop that people run it on."""
    server_process.settings |= {"messages_per_second": 10.0, "registration": "open"}
    client = await (await link_client(server_process.start()).open()).greet()
    alice = identity("alice")
    await client.register(alice, None)
    await client.device_login(alice)
    for _ in range(110):  # a hundred are a burst
        await client.ask(m.Ping)
    await client.close()
    assert server_process.end() == 0


async def test_connections_that_break_leave_no_trace(server, caplog):
    logging.getLogger("sottovoce.server").propagate = True
    for number in range(10):
        _, client = await server.device(f"user{number}")
        client.writer.transport.abort()
        await client.closed.wait()
    _, client = await server.device("last")
    while len(server.listener_peers()) > 1:
        await client.ask(m.Ping)
    assert not any(record.levelno >= logging.ERROR for record in caplog.records)
