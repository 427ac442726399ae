"""What a wire-tap sees: TLS 1.3 and nothing of ours (issue: done when 6)."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from end_to_end_world import PATIENCE, World, in_room, make_room_key
from recording_proxy import APPLICATION_DATA, TLS13, RecordingProxy, negotiated_version, tls_records

from sottovoce.link.invite_link import InviteLink

USER = "canaryuser"
PASSWORD = "canary-password-9f3b"
ROOM = "canaryroom"
MESSAGE = "the canary message sings at dawn"


def a_whole_session(world: World, link: str, *, room_key: Path) -> None:
    """Register, make a room by key, two people talk, leave."""
    first = world.chat(USER, "--room", ROOM, "--room-key", str(room_key), link=link, password=PASSWORD)
    in_room(first)
    second = world.chat("bob", "--room", ROOM, "--room-key", str(room_key), link=link)
    in_room(second)
    first.type(MESSAGE)
    second.out.wait_for(lambda lines: f"{USER}: {MESSAGE}" in lines, "the message")
    assert first.wait() == 0
    assert second.wait() == 0


def test_recorded_bytes_are_tls_1_3_and_hold_no_word_of_ours(world: World) -> None:
    proxy = RecordingProxy(world.server.port)
    link = replace(InviteLink.parse(world.server.link, now=time.time()), port=proxy.port)
    a_whole_session(world, str(link), room_key=make_room_key(world))
    proxy.close()

    assert len(proxy.conversations) >= 2
    for conversation in proxy.conversations:
        assert negotiated_version(bytes(conversation.to_client)) == TLS13
        for direction in (conversation.to_server, conversation.to_client):
            kinds = [kind for kind, _ in tls_records(bytes(direction))]
            assert APPLICATION_DATA in kinds, "the session itself is encrypted records"
            for word in (USER, PASSWORD, ROOM, MESSAGE, "lobby"):
                for form in (word.encode(), word.encode("utf-16-le"), word.upper().encode()):
                    assert form not in direction


def test_a_client_that_offers_only_ffdhe2048_gets_it(world: World) -> None:
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{world.server.port}", "-groups", "ffdhe2048",
         "-ciphersuites", "TLS_AES_256_GCM_SHA384", "-tls1_3", "-alpn", "sottovoce/1"],
        input=b"", capture_output=True, timeout=PATIENCE, check=False,
    ).stdout.decode()  # fmt: skip
    assert "DH, 2048 bits" in shown, shown
    assert "Cipher is TLS_AES_256_GCM_SHA384" in shown
    assert "TLSv1.3" in shown


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_1"])
def test_older_tls_is_refused(world: World, version: str) -> None:
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{world.server.port}", version,
         "-cipher", "ALL:@SECLEVEL=0"],
        input=b"", capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert shown.returncode != 0
    assert b"Cipher is (NONE)" in shown.stdout


class Tap:
    """tshark on loopback, and what it makes of the capture."""

    def __init__(self, capture: Path, port: int, keylog: Path) -> None:
        self.capture, self.port = capture, port
        self._dissect = ["-d", f"tcp.port=={port},tls", "-o", f"tls.keylog_file:{keylog}"]
        self._process = subprocess.Popen(
            ["tshark", "-q", "-i", "lo", "-f", f"tcp port {port}", "-w", str(capture), "-a", "duration:900"],
            stderr=subprocess.DEVNULL,
        )

    def sees_packets(self) -> bool:
        """Make one, and tell whether any has been written yet."""
        if self._process.poll() is not None:
            pytest.skip("tshark may not capture on loopback here (needs root or dumpcap's capability)")
        socket.create_connection(("127.0.0.1", self.port)).close()
        return self.capture.exists() and "1" in self.fields("-c", "1", "-T", "fields", "-e", "frame.number")

    def fields(self, *arguments: str) -> str:
        """Dissect what has been written so far; a packet half written is left for the next time."""
        read = ["tshark", "-r", str(self.capture), *self._dissect, *arguments]
        return subprocess.run(read, capture_output=True, check=False, timeout=PATIENCE, text=True).stdout

    def frames(self) -> bytes:
        """What the key log opens: the link's bytes."""
        shown = self.fields("-Y", "data", "-T", "fields", "-e", "data")
        return bytes.fromhex("".join(shown.split()).replace(",", "").replace(":", ""))

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(PATIENCE)


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed: apt-get install tshark")
def test_tshark_sees_frames_with_the_key_log_and_ciphertext_inside(tmp_path: Path) -> None:
    keylog = tmp_path / "keys.log"
    world = World(tmp_path)
    world.server.arguments = ("--keylog", str(keylog))
    world.server.start()
    tap = Tap(tmp_path / "session.pcapng", world.server.port, keylog)
    try:
        wait_until(tap.sees_packets)
        a_whole_session(world, world.server.link, room_key=make_room_key(world))
        wait_until(lambda: b"append" in tap.frames())
    finally:
        tap.stop()
        world.close()

    hellos = tap.fields(
        "-Y", "tls.handshake.type==2", "-T", "fields", "-e", "tls.handshake.extensions.supported_version"
    )
    assert set(hellos.split()) == {"0x0304"}, "every ServerHello selects TLS 1.3"
    raw = tap.capture.read_bytes()
    for word in (USER, PASSWORD, ROOM, MESSAGE):
        assert word.encode() not in raw

    frames = tap.frames()
    assert b"append" in frames, "with the key log the link's frames are readable"
    assert b"device_login" in frames
    assert USER.encode() in frames, "the server must know who logs in"
    for word in (PASSWORD, ROOM, MESSAGE):
        assert word.encode() not in frames, "and what is inside is still ciphertext"


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "time is up"
        time.sleep(0.02)
