"""The server's key and certificate, and the TLS context: 1.3 only (docs/protocol.md, *Link*)."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sottovoce.crypto.certificates import (
    certificate_der,
    public_key_pin,
    self_signed_certificate,
    valid_until,
)
from sottovoce.crypto.errors import InvalidCertificate
from sottovoce.link.messages import ALPN
from sottovoce.server.errors import DataDirectoryDamaged, TlsFilesUnusable
from sottovoce.server.files import open_private, write_private_file

CERTIFICATE_NAME: Final = "tls-certificate.pem"
KEY_NAME: Final = "tls-key.pem"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where certificate and key are, and whether the server made them itself."""

    certificate: Path
    key: Path
    is_self_signed: bool


def own_tls_files(directory: Path, host_names: list[str], now: datetime, *, is_new: bool = True) -> TlsFiles:
    """Return the self-signed certificate of a data directory; makes it, files 0600, when that ``is_new``.

    Raises DataDirectoryDamaged when one of the two is missing, or both in a directory that has served: the
    key is what clients have pinned.
    """
    files = TlsFiles(directory / CERTIFICATE_NAME, directory / KEY_NAME, is_self_signed=True)
    have = [path for path in (files.certificate, files.key) if path.exists()]
    if not have and is_new:
        made = self_signed_certificate(host_names, now)
        write_private_file(files.certificate, made.certificate)
        write_private_file(files.key, made.private_key.reveal())
    elif files.key not in have:
        raise DataDirectoryDamaged(files.key, "it is missing, and clients know this server by it")
    elif files.certificate not in have:
        raise DataDirectoryDamaged(files.certificate, "it is missing")
    return files


def tls_context(files: TlsFiles, *, keylog: Path | None, now: datetime) -> tuple[ssl.SSLContext, bytes]:
    """Return the context to serve with, and the pin (32 bytes) of its certificate's public key.

    OpenSSL's default groups stay, so that ``ffdhe2048`` can be negotiated. Raises
    :class:`TlsFilesUnusable` for files that do not load or match, and for an expired certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0  # every connection makes a new key exchange
    context.set_alpn_protocols([ALPN])
    try:
        context.load_cert_chain(files.certificate, files.key)
        der = certificate_der(files.certificate.read_bytes())
        pin = public_key_pin(der)
        expires = valid_until(der)
    except (OSError, ssl.SSLError, InvalidCertificate, ValueError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)
        if files.is_self_signed:
            raise DataDirectoryDamaged(files.certificate, str(reason)) from None
        raise TlsFilesUnusable(
            f"The TLS files {files.certificate} and {files.key} cannot be used ({reason}). Check that they"
            " are PEM, readable and belong together."
        ) from None
    if expires <= now:
        raise TlsFilesUnusable(
            f"The TLS certificate {files.certificate} expired on {expires:%Y-%m-%d}. Renew it, then"
            " start again."
        )
    if keylog is not None:
        try:
            open_private(keylog, os.O_WRONLY | os.O_APPEND).close()  # OpenSSL would let everybody read it
            context.keylog_filename = str(keylog)
        except OSError as error:
            raise TlsFilesUnusable(f"The key log {keylog} cannot be written ({error.strerror}).") from None
    return context, pin
