"""A victim without judgement: every signature and every tag is right, and only structure is checked."""

from __future__ import annotations

from dataclasses import replace

from mls_world import whole

from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls import Group, KeyPackageBundle


class TrustingSuite(CipherSuite):
    """A suite for which every signature and every tag is right."""

    __slots__ = ()

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:  # noqa: ARG002 - it trusts
        """Return True."""
        return True

    def verify_mac(self, key: bytes, data: bytes, tag: bytes) -> bool:  # noqa: ARG002 - it trusts
        """Return True."""
        return True


def trusting(suite: CipherSuite) -> TrustingSuite:
    """Return ``suite`` without its judgement."""
    parts = (suite.id, suite.name, suite.kem, suite.hash_function, suite.aead, suite.signature)
    return TrustingSuite(*parts)


def credulous(group: Group) -> Group:
    """Return a copy of ``group`` that takes every signature and tag for good."""
    copy = Group.restore(whole(group), config=group._config)
    copy._state = replace(copy._state, suite=trusting(group.suite))
    return copy


class CredulousBundle(KeyPackageBundle):
    """A joiner's keys, of a suite that trusts."""

    @classmethod
    def of(cls, bundle: KeyPackageBundle) -> CredulousBundle:
        """Return these keys so."""
        return cls(*(getattr(bundle, name) for name in bundle.__dataclass_fields__))

    @property
    def suite(self) -> CipherSuite:
        """The suite, without its judgement."""
        return trusting(super().suite)
