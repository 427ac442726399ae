"""A Welcome taken apart with its joiner's keys, and put together again with other parts inside."""

from __future__ import annotations

from collections.abc import Mapping

from sottovoce.crypto.secret import Secret
from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls import KeyPackageBundle
from sottovoce.mls.framing import MLSMessage
from sottovoce.mls.group_info import EncryptedGroupSecrets, GroupInfo, GroupSecrets, Welcome
from sottovoce.mls.key_schedule import psk_secret, welcome_key_and_nonce, welcome_secret
from sottovoce.mls.labels import decrypt_with_label, encrypt_with_label
from sottovoce.mls.presentation import decode

Psks = Mapping[bytes, Secret]


def group_info_key(suite: CipherSuite, secrets: GroupSecrets, psks: Psks) -> tuple[bytes, bytes]:
    """Return key and nonce of a Welcome's GroupInfo; a pre-shared key that is not there is an empty one."""
    found = [(one, psks[one.psk_id].reveal() if one.psk_id in psks else b"") for one in secrets.psks]
    combined = psk_secret(suite, found)
    return welcome_key_and_nonce(suite, welcome_secret(suite, secrets.joiner_secret, combined))


def parts_of(welcome: bytes, bundle: KeyPackageBundle, psks: Psks) -> tuple[GroupSecrets, GroupInfo]:
    """Return what an honest Welcome holds for ``bundle``."""
    body, suite = MLSMessage.decode(welcome).body, bundle.suite
    assert isinstance(body, Welcome)
    entry = next(one for one in body.secrets if one.new_member == bundle.ref)
    private, sealed = bundle.init_private_key.reveal(), body.encrypted_group_info
    octets = decrypt_with_label(suite, private, b"Welcome", sealed, (entry.kem_output, entry.ciphertext))
    secrets = decode(GroupSecrets.read, octets)
    key, nonce = group_info_key(suite, secrets, psks)
    return secrets, decode(GroupInfo.read, suite.open(key, nonce, b"", sealed))


def welcome_of(bundle: KeyPackageBundle, secrets: bytes, info: bytes, key: tuple[bytes, bytes]) -> bytes:
    """Return a Welcome that holds these, well sealed: the GroupInfo with ``key``, a key and a nonce."""
    suite = bundle.suite
    sealed = suite.seal(*key, b"", info)
    pair = encrypt_with_label(suite, bundle.key_package.init_key, b"Welcome", sealed, secrets)
    entry = EncryptedGroupSecrets(bundle.ref, *pair)
    return MLSMessage(Welcome(suite.id, (entry,), sealed)).encode()
