"""A TCP proxy on loopback that keeps every byte of both directions, and a reader of TLS records."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
SUPPORTED_VERSIONS = 43
TLS13 = 0x0304


@dataclass
class Conversation:
    """The bytes of one connection."""

    to_server: bytearray = field(default_factory=bytearray)
    to_client: bytearray = field(default_factory=bytearray)


class RecordingProxy:
    """Listens on a loopback port of its own and forwards to ``127.0.0.1:target``."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.conversations: list[Conversation] = []
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            self._sockets += [client, server]
            conversation = Conversation()
            self.conversations.append(conversation)
            for source, sink, record in (
                (client, server, conversation.to_server),
                (server, client, conversation.to_client),
            ):
                threading.Thread(target=self._forward, args=(source, sink, record), daemon=True).start()

    @staticmethod
    def _forward(source: socket.socket, sink: socket.socket, record: bytearray) -> None:
        try:
            while data := source.recv(65536):
                record += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self) -> None:
        for each in (self._listener, *self._sockets):
            each.close()


def tls_records(octets: bytes) -> list[tuple[int, bytes]]:
    """Split a direction into (content type, fragment); a last, cut-off record is left out."""
    records, at = [], 0
    while at + 5 <= len(octets):
        kind, major, length = octets[at], octets[at + 1], int.from_bytes(octets[at + 3 : at + 5])
        if kind not in {CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA} or major != 3:
            raise AssertionError(f"not a TLS record at offset {at}: {octets[at : at + 16]!r}")
        if at + 5 + length > len(octets):
            break
        records.append((kind, bytes(octets[at + 5 : at + 5 + length])))
        at += 5 + length
    return records


def negotiated_version(to_client: bytes) -> int:
    """Return the version a ServerHello selects in ``supported_versions`` (RFC 8446 §4.2.1)."""
    kind, hello = tls_records(to_client)[0]
    assert kind == HANDSHAKE
    assert hello[0] == 2, "the first handshake message is a ServerHello"
    session_id_length = hello[4 + 2 + 32]
    at = 4 + 2 + 32 + 1 + session_id_length + 2 + 1
    end = at + 2 + int.from_bytes(hello[at : at + 2])
    at += 2
    while at < end:
        extension, length = int.from_bytes(hello[at : at + 2]), int.from_bytes(hello[at + 2 : at + 4])
        if extension == SUPPORTED_VERSIONS:
            return int.from_bytes(hello[at + 4 : at + 6])
        at += 4 + length
    return 0x0303
