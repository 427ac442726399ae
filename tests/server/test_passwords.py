"""OPAQUE on a thread of its own, loaded when the server listens already."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading

import pytest

from sottovoce.opaque.client import ClientRegistration
from sottovoce.opaque.errors import InvalidMessage
from sottovoce.opaque.server import ServerSetup
from sottovoce.server.passwords import Passwords


def request() -> bytes:
    return ClientRegistration.start(b"correct horse", random=os.urandom).request


async def test_who_comes_while_it_is_loading_waits_and_is_answered():
    setup = ServerSetup.generate(os.urandom)
    release = threading.Event()
    loaded: list[ServerSetup] = []

    def load() -> ServerSetup:
        assert release.wait(20)
        loaded.append(setup)
        return setup

    passwords = Passwords(load)
    try:
        loading = asyncio.create_task(passwords.load())
        early = asyncio.create_task(passwords.registration_response(request(), b"alice"))
        await asyncio.sleep(0)
        release.set()
        assert len(await early) == 64
        assert loading.done(), "in the order they were asked for"
        await passwords.registration_response(request(), b"bob")
        assert loaded == [setup], "loaded once"
    finally:
        release.set()
        passwords.close()


async def test_it_is_loaded_by_who_comes_first_and_again_after_a_failure():
    setup = ServerSetup.generate(os.urandom)
    outcomes = [OSError("not now"), setup]

    def load() -> ServerSetup:
        outcome = outcomes.pop(0)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    passwords = Passwords(load)
    try:
        with pytest.raises(OSError, match="not now"):
            await passwords.load()
        assert len(await passwords.registration_response(request(), b"alice")) == 64
    finally:
        passwords.close()


async def test_what_opaque_refuses_is_passed_on():
    passwords = Passwords(lambda: ServerSetup.generate(os.urandom))
    try:
        with pytest.raises(InvalidMessage):
            await passwords.registration_response(bytes(32), b"alice")
        with pytest.raises(InvalidMessage):
            await passwords.registration_record(bytes(191))
        with pytest.raises(InvalidMessage):
            await passwords.start_login(
                None, bytes(95), name=b"alice", server_identity=bytes(32), context=b""
            )
    finally:
        passwords.close()


def test_a_server_loads_no_libsodium_before_it_listens():
    script = (
        "import sys, sottovoce.cli.serve, sottovoce.server.app;"
        "print(sorted({'rbcl', 'sottovoce.opaque.server', 'sqlalchemy', 'alembic'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert shown == "[]\n"
