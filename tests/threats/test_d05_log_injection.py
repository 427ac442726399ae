"""D5: whatever a stranger writes, the log is one clean line an event, without bodies and addresses."""

from __future__ import annotations

import logging
import os

import pytest

from sottovoce.link import messages as m
from sottovoce.server.log import LineFormatter, escape

HOSTILE = [
    "a\nb",
    "a\r\nINFO forged",
    "\x1b]52;c;x\x07",
    "\x1b[2J",
    "\u202ename",
    "\x9b31m",
    'q" x=1',
    "\0",
    "é",
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_one_printable_line(text):
    record = logging.makeLogRecord({"msg": f"event {text}", "levelname": "INFO", "fields": {"user": text}})
    line = LineFormatter().format(record)
    assert line.isascii()
    assert line.isprintable()
    assert escape(text).isprintable()
    assert line.count(" user=") == 1


async def test_the_log_of_a_session_holds_no_words_of_it(server_process, link_client, identity):
    server_process.settings |= {"debug": True, "registration": "open"}
    server_process.start()
    canary = os.urandom(8).hex()
    alice = identity("canary-" + canary, password=("pass" + canary).encode())
    client = await (await link_client(server_process.address).open()).greet()
    await client.register(alice, None)
    await client.device_login(alice)
    room = os.urandom(16)
    await client.ask(m.RoomCreate, room, ("info" + canary).encode())
    await client.ask(m.Append, room, [m.Outgoing(os.urandom(16), 0, ("text" + canary).encode())])
    await client.close()
    assert server_process.end() == 0
    log = server_process.log.read_text()
    assert "handshake" in log
    assert "TLSv1.3" in log
    assert "type=Append" in log
    assert canary not in log
    assert "127.0.0.1" not in log
    assert all(line.isprintable() for line in log.splitlines())
