"""Key encapsulation for HPKE: DHKEM (RFC 9180 §4.1) and MLKEM768-X25519 (draft-ietf-hpke-pq-05 §4).

Keys are bytes as RFC 9180 serialises them. Encapsulation draws its randomness inside ``cryptography``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import KEM, MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey

from sottovoce.crypto import nist_curves
from sottovoce.crypto.errors import DecryptionError, InvalidPrivateKey, InvalidPublicKey
from sottovoce.crypto.kdf import SHA256, HashFunction
from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.labeled import labeled_expand, labeled_extract
from sottovoce.crypto.nist_curves import NistCurve

type_PublicKey = X25519PublicKey | ec.EllipticCurvePublicKey | MLKEM768X25519PublicKey
type_PrivateKey = X25519PrivateKey | ec.EllipticCurvePrivateKey | MLKEM768X25519PrivateKey
