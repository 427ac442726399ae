"""Key packages: what a client publishes so that it can be added while away (RFC 9420 §10)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from sottovoce.crypto.key_pair import KeyPair
from sottovoce.crypto.secret import Secret
from sottovoce.crypto.suites import CipherSuite, cipher_suite
from sottovoce.mls.credentials import AuthenticationService, Credential, CredentialType
from sottovoce.mls.errors import DecodingError, MisuseError, ValidationError
from sottovoce.mls.extensions import (
    Extension,
    Extensions,
    ExtensionType,
    encode_extensions,
    find_extension,
    grease_value,
    read_extensions,
)
from sottovoce.mls.labels import ref_hash, sign_with_label, verify_with_label
from sottovoce.mls.nodes import Capabilities, LeafNode, LeafNodeSource, Lifetime
from sottovoce.mls.presentation import Reader, decode, opaque, uint16
from sottovoce.mls.rules import ValidationRule

MLS10: Final = 1
"""The protocol version of RFC 9420, ``mls10``."""
WIRE_FORMAT: Final = 5
"""``mls_key_package`` (RFC 9420 §6)."""

Random = Callable[[int], bytes]
"""A source of that many random bytes; in use, ``os.urandom``."""


@dataclass(frozen=True)
class KeyPackage:
    """An init key, a leaf to be placed, and the client's signature over both (RFC 9420 §10)."""

    version: int
    suite_id: int
    init_key: bytes
    leaf_node: LeafNode
    extensions: Extensions
    signature: bytes

    @cached_property
    def encoded(self) -> bytes:
        """The key package as ``KeyPackage``."""
        return self._signed_part + opaque(self.signature)

    @cached_property
    def _signed_part(self) -> bytes:
        return (
            uint16(self.version)
            + uint16(self.suite_id)
            + opaque(self.init_key)
            + self.leaf_node.encoded
            + encode_extensions(self.extensions)
        )

    @property
    def message(self) -> bytes:
        """The key package as an MLSMessage, as it is published."""
        return uint16(MLS10) + uint16(WIRE_FORMAT) + self.encoded

    @property
    def is_last_resort(self) -> bool:
        """Whether it may be used more than once, because nothing else is left (RFC 9420 §16.8)."""
        return find_extension(self.extensions, ExtensionType.LAST_RESORT) is not None

    @classmethod
    def read(cls, reader: Reader) -> KeyPackage:
        """Read one."""
        return cls(
            reader.uint16(),
            reader.uint16(),
            reader.opaque(),
            LeafNode.read(reader),
            read_extensions(reader),
            reader.opaque(),
        )

    @classmethod
    def from_message(cls, data: bytes) -> KeyPackage:
        """Read an MLSMessage that must hold a key package; raises ``DecodingError``."""
        reader = Reader(bytes(data))
        if (reader.uint16(), reader.uint16()) != (MLS10, WIRE_FORMAT):
            raise DecodingError("the message is not a key package of MLS 1.0")
        key_package = cls.read(reader)
        reader.finish()
        return key_package

    def reference(self, suite: CipherSuite) -> bytes:
        """Return the KeyPackageRef, Nh bytes (RFC 9420 §5.2)."""
        return ref_hash(suite, b"MLS 1.0 KeyPackage Reference", self.encoded)

    def validate(
        self,
        suite: CipherSuite,
        now: int,
        authentication: AuthenticationService | None = None,
    ) -> None:
        """Check all that §10.1 asks apart from a group; raises :class:`ValidationError`.

        ``now`` is Unix time in seconds. With ``authentication`` the credential is judged too.
        """
        leaf = self.leaf_node
        # §10.1: "Verify that the cipher suite and protocol version of the KeyPackage match". §10: its version
        # is that of the MLSMessage it came in, too; only mls10 is read.
        if self.version != MLS10 or self.suite_id != suite.id:
            raise ValidationError(ValidationRule.KEY_PACKAGE_SUITE, f"suite {self.suite_id:#06x}")
        # §10.1: "Verify that the leaf_node of the KeyPackage is valid for a KeyPackage".
        if leaf.source is not LeafNodeSource.KEY_PACKAGE or leaf.lifetime is None:
            raise ValidationError(ValidationRule.LEAF_SOURCE, "a key package needs a key package's leaf")
        if not leaf.lifetime.covers(now):
            raise ValidationError(ValidationRule.LEAF_LIFETIME, "it is expired or not valid yet")
        if not leaf.verify(suite):
            raise ValidationError(ValidationRule.LEAF_SIGNATURE)
        # §10.1: "Verify that the signature on the KeyPackage is valid".
        content, key = self._signed_part, leaf.signature_key
        if not verify_with_label(suite, key, b"KeyPackageTBS", content, self.signature):
            raise ValidationError(ValidationRule.KEY_PACKAGE_SIGNATURE)
        # §10.1: "Verify that the value of leaf_node.encryption_key is different from the value of the
        # init_key field".
        if leaf.encryption_key == self.init_key:
            raise ValidationError(ValidationRule.KEY_PACKAGE_INIT_KEY)
        if authentication is not None:
            authentication.validate(leaf.credential, leaf.signature_key)


@dataclass(frozen=True)
class KeyPackageBundle:
    """A key package and the private keys that belong to it, kept until the package is used."""

    key_package: KeyPackage
    init_private_key: Secret = field(repr=False)
    encryption_private_key: Secret = field(repr=False)
    signature_private_key: Secret = field(repr=False)

    @property
    def suite(self) -> CipherSuite:
        """The cipher suite of the package."""
        return cipher_suite(self.key_package.suite_id)

    @property
    def ref(self) -> bytes:
        """The KeyPackageRef under which a Welcome addresses this client."""
        return self.key_package.reference(self.suite)

    @property
    def is_last_resort(self) -> bool:
        """Whether the private keys are to be kept when the package was used."""
        return self.key_package.is_last_resort

    @property
    def message(self) -> bytes:
        """The MLSMessage to publish; it holds nothing secret."""
        return self.key_package.message

    def to_bytes(self) -> bytes:
        """Encode with the private keys, for a store that is encrypted."""
        keys = (self.init_private_key, self.encryption_private_key, self.signature_private_key)
        return opaque(self.key_package.encoded) + b"".join(opaque(key.reveal()) for key in keys)

    @classmethod
    def from_bytes(cls, data: bytes) -> KeyPackageBundle:
        """Read what :meth:`to_bytes` wrote; raises ``DecodingError``."""

        def read(reader: Reader) -> KeyPackageBundle:
            key_package = decode(KeyPackage.read, reader.opaque())
            return cls(key_package, *(Secret(reader.opaque()) for _ in range(3)))

        return decode(read, data)


def default_capabilities(
    suite: CipherSuite,
    extensions: Iterable[int] = (),
    *,
    proposals: Iterable[int] = (),
    credentials: Iterable[int] = (CredentialType.BASIC,),
    random: Random | None = None,
) -> Capabilities:
    """Return the capabilities of this implementation for ``suite``, with what the application adds.

    With ``random`` there is a GREASE value in every list that may have one (RFC 9420 §13.5). It is one value
    for all: so the members' capabilities are few different ones, and are checked once each.
    """
    grease = () if random is None else (grease_value(random),)
    # §7.2: the default types of extensions and proposals "MUST NOT be listed".
    none = Capabilities((), ())
    extensions = [number for number in extensions if not none.supports_extension(number)]
    proposals = [number for number in proposals if not none.supports_proposal(number)]
    return Capabilities(
        (MLS10,),
        (suite.id, *grease),
        (*extensions, *grease),
        (*proposals, *grease),
        (*credentials, *grease),
    )


def own_capabilities(
    suite: CipherSuite, credential: Credential, random: Random, extensions: Iterable[int] = ()
) -> Capabilities:
    """Return what a client lists that was given no capabilities: its kind of credential, and GREASE."""
    credentials = dict.fromkeys((CredentialType.BASIC, credential.credential_type))
    return default_capabilities(suite, extensions, credentials=credentials, random=random)


def key_package_leaf(
    suite: CipherSuite,
    credential: Credential,
    signature_key_pair: KeyPair,
    encryption_key: bytes,
    *,
    capabilities: Capabilities,
    extensions: Extensions,
    lifetime: Lifetime | None,
) -> LeafNode:
    """Return a signed leaf node whose source is a key package (RFC 9420 §7.2)."""
    return LeafNode(
        encryption_key,
        signature_key_pair.public,
        credential,
        capabilities,
        LeafNodeSource.KEY_PACKAGE,
        extensions,
        b"",
        lifetime,
    ).signed(suite, signature_key_pair.private)


def generate_key_package(
    suite: CipherSuite,
    credential: Credential,
    signature_key_pair: KeyPair,
    *,
    lifetime: Lifetime,
    capabilities: Capabilities | None = None,
    extensions: Extensions = (),
    leaf_extensions: Extensions = (),
    last_resort: bool = False,
    random: Random,
) -> KeyPackageBundle:
    """Make a key package with new init and encryption keys, signed by ``signature_key_pair``.

    One of ``last_resort`` says that it may be used more than once, where all others are used up: keep its
    private keys until a new one is published (RFC 9420 §16.8). Raises ``MisuseError`` if the
    ``capabilities`` given do not list an extension of it, the one that says so among them.
    """
    if last_resort:
        extensions = (*extensions, Extension(ExtensionType.LAST_RESORT, b""))
    types = [one.extension_type for one in (*extensions, *leaf_extensions)]
    capabilities = capabilities or own_capabilities(suite, credential, random, types)
    # §10: extensions of both kinds "MUST be included in the leaf_node.capabilities field".
    for number in types:
        if not capabilities.supports_extension(number):
            raise MisuseError(
                f"the key package has extension type {number:#06x}: list it in the capabilities"
            )
    init = suite.derive_key_pair(random(suite.secret_length))
    encryption = suite.derive_key_pair(random(suite.secret_length))
    leaf = key_package_leaf(
        suite,
        credential,
        signature_key_pair,
        encryption.public,
        capabilities=capabilities,
        extensions=leaf_extensions,
        lifetime=lifetime,
    )
    unsigned = KeyPackage(MLS10, suite.id, init.public, leaf, extensions, b"")
    content = unsigned._signed_part  # noqa: SLF001  # of this class, in its own module
    signature = sign_with_label(suite, signature_key_pair.private, b"KeyPackageTBS", content)
    return KeyPackageBundle(
        replace(unsigned, signature=signature),
        Secret(init.private),
        Secret(encryption.private),
        Secret(signature_key_pair.private),
    )
