"""Pre-shared keys: naming them in a commit, and finding what a commit or a Welcome names (RFC 9420 §8.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sottovoce.crypto.secret import Secret
from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls.epoch import EpochState, MessageEpoch
from sottovoce.mls.errors import MissingPreSharedKey, MisuseError, ValidationError
from sottovoce.mls.key_package import Random
from sottovoce.mls.proposals import PreSharedKeyID, PSKType, ResumptionUsage
from sottovoce.mls.rules import ValidationRule

MOST_PSKS: Final = 0xFFFF
"""How many pre-shared keys one commit can inject."""


@dataclass(frozen=True)
class ResumptionPSK:
    """The pre-shared key that one epoch of one group leaves behind: proof of having been in it (§8.6).

    ``secret`` is Nh bytes of that group's cipher suite.
    """

    group_id: bytes
    epoch: int
    secret: Secret = field(repr=False)


@dataclass(frozen=True)
class KnownPSKs:
    """Every pre-shared key at hand: external ones by their id, resumption ones by group and epoch."""

    external: Mapping[bytes, Secret] = field(repr=False)
    resumption: Mapping[tuple[bytes, int], bytes] = field(repr=False)

    @classmethod
    def of(cls, external: Mapping[bytes, Secret], resumption: Iterable[ResumptionPSK] = ()) -> KnownPSKs:
        """Return what a caller handed over."""
        return cls(external, {(one.group_id, one.epoch): one.secret.reveal() for one in resumption})

    @classmethod
    def of_member(
        cls,
        state: EpochState,
        epochs: Mapping[int, MessageEpoch],
        external: Mapping[bytes, Secret],
        resumption: Iterable[ResumptionPSK] = (),
    ) -> KnownPSKs:
        """Return what a caller handed over, and the resumption PSKs of the group's own kept epochs."""
        given = cls.of(external, resumption).resumption
        group_id = state.context.group_id
        own = {(group_id, epoch): one.past.resumption_psk for epoch, one in epochs.items()}
        return cls(external, {**given, **own})

    def named(self, suite: CipherSuite, random: Random) -> list[PreSharedKeyID]:
        """Return fresh names for every key at hand, each with a nonce of Nh bytes (§8.4)."""
        resumption = (ResumptionPSK(*key, Secret(value)) for key, value in self.resumption.items())
        names = [name_resumption(psk, suite, random) for psk in resumption]
        return name_external(self.external, suite, random) + names

    def find(self, identifiers: Sequence[PreSharedKeyID]) -> list[tuple[PreSharedKeyID, bytes]]:
        """Return each named key's value beside its name, in order.

        Raises ``MissingPreSharedKey``, or ``ValidationError`` P23.
        """
        # §8.4: each is derived under a PSKLabel, whose index and count have two bytes.
        if len(identifiers) > MOST_PSKS:
            raise ValidationError(ValidationRule.PSK_COUNT, f"{len(identifiers)} are")
        found = []
        for one in identifiers:
            if one.psk_type is PSKType.EXTERNAL:
                external = self.external.get(one.psk_id)
                value = None if external is None else external.reveal()
            else:
                value = self.resumption.get((one.group_id, one.epoch))
            if value is None:
                raise MissingPreSharedKey(one.psk_id, one.group_id, one.epoch)
            found.append((one, value))
        return found


def name_external(psk_ids: Iterable[bytes], suite: CipherSuite, random: Random) -> list[PreSharedKeyID]:
    """Return names for external pre-shared keys, each with a fresh nonce of Nh bytes (§8.4)."""
    return [PreSharedKeyID(PSKType.EXTERNAL, random(suite.secret_length), psk_id) for psk_id in psk_ids]


def name_resumption(
    psk: ResumptionPSK,
    suite: CipherSuite,
    random: Random,
    usage: ResumptionUsage = ResumptionUsage.APPLICATION,
) -> PreSharedKeyID:
    """Return a name for a resumption PSK, with a fresh nonce of Nh bytes (§8.4)."""
    nonce = random(suite.secret_length)
    return PreSharedKeyID(PSKType.RESUMPTION, nonce, b"", usage, psk.group_id, psk.epoch)


def resumption_psk_of(
    state: EpochState, epochs: Mapping[int, MessageEpoch], epoch: int | None
) -> ResumptionPSK:
    """Return a group's resumption PSK of a kept epoch, None for the current one; raises ``MisuseError``."""
    wanted = state.epoch if epoch is None else epoch
    if wanted not in epochs:
        raise MisuseError(f"the secrets of epoch {wanted} are not kept")
    return ResumptionPSK(state.context.group_id, wanted, Secret(epochs[wanted].past.resumption_psk))
