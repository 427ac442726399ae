"""What the primitives alone cost: no implementation of MLS over the same library can take less."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Final

from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_INFO: Final = b"x" * 200  # as long as EncryptContext with a GroupContext is
_REPETITIONS: Final = 300
_HPKE: Final = {
    1: (hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_128_GCM, 16, 32),
    0xF002: (hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA384, hpke.AEAD.AES_256_GCM, 32, 48),
    83: (hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA512, hpke.AEAD.AES_256_GCM, 32, 64),
}


@dataclass(frozen=True)
class Primitives:
    """The best time of each primitive of one suite in `cryptography`, in seconds, its key loaded before."""

    sign: float
    verify: float
    hpke_seal: float
    hpke_open: float
    aead_seal: float
    aead_open: float

    @classmethod
    def of(cls, suite_id: int) -> Primitives:
        """Measure those of suite 1, 0xF002 or 83; what is sealed is a message of 300 bytes, a path secret."""
        kem, kdf, aead, key_length, secret_length = _HPKE[suite_id]
        message, secret = os.urandom(300), os.urandom(secret_length)
        signer = Ed25519PrivateKey.generate()
        verifier, signature = signer.public_key(), signer.sign(message)
        cipher, nonce = AESGCM(os.urandom(key_length)), os.urandom(12)
        ciphertext = cipher.encrypt(nonce, message, _INFO)
        suite = hpke.Suite(kem, kdf, aead)
        recipient = _recipient(kem)
        public = recipient.public_key()
        sealed = suite.encrypt(secret, public, _INFO)
        return cls(
            sign=_best(lambda: signer.sign(message)),
            verify=_best(lambda: verifier.verify(signature, message)),
            hpke_seal=_best(lambda: suite.encrypt(secret, public, _INFO)),
            hpke_open=_best(lambda: suite.decrypt(sealed, recipient, _INFO)),
            aead_seal=_best(lambda: cipher.encrypt(nonce, message, _INFO)),
            aead_open=_best(lambda: cipher.decrypt(nonce, ciphertext, _INFO)),
        )

    def or_better(self, other: Primitives) -> Primitives:
        """Return the better time of each."""
        return Primitives(*map(min, astuple(self), astuple(other)))

    def floor(self, operation: str, members: int) -> float:
        """Return what the primitives of one operation take, in seconds.

        A message is signed, then it and its sender data are sealed. A commit's leaf is signed as well, and
        its path secret sealed to each other member of a tree without parents; one of them opens it. A
        joiner verifies every leaf and the GroupInfo, and opens the group's secrets and the GroupInfo.
        """
        sending, receiving = self.sign + 2 * self.aead_seal, self.verify + 2 * self.aead_open
        return {
            "encrypt": sending,
            "decrypt": receiving,
            "join": (members + 1) * self.verify + self.hpke_open + self.aead_open,
            "commit": sending + self.sign + (members - 1) * self.hpke_seal,
            "process": receiving + self.verify + self.hpke_open,
        }[operation]


def _recipient(kem: hpke.KEM) -> X25519PrivateKey | hpke.MLKEM768X25519PrivateKey:
    if kem is hpke.KEM.X25519:
        return X25519PrivateKey.generate()
    return hpke.MLKEM768X25519PrivateKey(MLKEM768PrivateKey.generate(), X25519PrivateKey.generate())


def _best(act: Callable[[], object]) -> float:
    seconds = []
    for _ in range(_REPETITIONS):
        start = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
