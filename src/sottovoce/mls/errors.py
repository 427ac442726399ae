"""What can go wrong in MLS, by whose fault it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sottovoce.errors import LocalError, PeerError

if TYPE_CHECKING:
    from sottovoce.mls.rules import ValidationRule


_SHOWN: Final = 32
"""Bytes shown of an identifier that a peer chose, who could choose a megabyte."""


def _short(identifier: bytes) -> str:
    return identifier[:_SHOWN].hex() + ("…" if len(identifier) > _SHOWN else "")


class MLSPeerError(PeerError):
    """A message, tree, key package or credential from somebody else was refused; no state changed."""


class DecodingError(MLSPeerError):
    """Bytes are not a well-formed structure of RFC 9420: length, range, order or trailing bytes."""


class ValidationError(MLSPeerError):
    """A well-formed structure breaks a numbered rule; :attr:`rule` says which."""

    def __init__(self, rule: ValidationRule, detail: str = "") -> None:
        self.rule = rule
        super().__init__(f"{rule.identifier} ({rule.section}): {rule.text}{f' ({detail})' if detail else ''}")


class UndecryptableMessage(MLSPeerError):
    """A PrivateMessage does not open: changed on its way, replayed, or for another group or epoch."""


class GenerationTooFar(UndecryptableMessage):
    """A message names a generation further ahead than the cap; nothing was derived for it."""


class KeyConsumed(UndecryptableMessage):
    """The key of this generation was used and deleted, or dropped by the skipped-key cap."""


class WrongEpoch(MLSPeerError):
    """A message is of an epoch this member holds no secrets for."""

    def __init__(self, epoch: int, current: int) -> None:
        self.epoch = epoch
        self.current = current
        super().__init__(
            f"the message is of epoch {epoch}, this member is in epoch {current}: "
            + ("fetch the commits between them first" if epoch > current else "its keys are deleted")
        )


class OwnMessage(MLSPeerError):
    """A message under this member's own leaf.

    Either it came back after it was sent, or an insider forged it, for any member can name any leaf under a
    key that its owner has deleted. Only where :attr:`is_from_another_copy` is True is it signed by us and its
    key unused here: then the store is an old copy of the one that sent it.
    """

    def __init__(self, *, is_from_another_copy: bool) -> None:
        self.is_from_another_copy = is_from_another_copy
        super().__init__(
            "another copy of this member's store has sent this message: join the group again"
            if is_from_another_copy
            else "this message is one of our own, or says so"
        )


class MissingPreSharedKey(MLSPeerError):
    """A commit or Welcome needs a pre-shared key that the caller did not give.

    :attr:`psk_id` names an external one; a resumption one has :attr:`group_id` and :attr:`epoch`.
    """

    def __init__(self, psk_id: bytes, group_id: bytes = b"", epoch: int = 0) -> None:
        self.psk_id, self.group_id, self.epoch = psk_id, group_id, epoch
        name = f"of epoch {epoch} of group {_short(group_id)}" if group_id else _short(psk_id) or "(empty id)"
        super().__init__(f"the pre-shared key {name} is needed and not at hand")


class CredentialRefused(MLSPeerError):
    """An authentication service refuses a credential (RFC 9420 §5.3.1)."""


class MisuseError(LocalError):
    """An argument asks for something that RFC 9420 does not allow this member to do."""


class GroupReinitialized(MisuseError):
    """The group was closed by a ReInit: all it is good for is to begin its successor (RFC 9420 §11.2)."""


class UncommittedProposals(MisuseError):
    """Others have proposed changes of the group: commit them before sending application data (§12.4)."""


class StaleStaging(LocalError):
    """A staged result was planned on a state that has moved on; plan or process it again."""


class NotAMember(LocalError):
    """This member was removed: the group can be read no further and nothing can be sent."""


class DamagedSnapshot(LocalError):
    """A stored snapshot or ratchet record is incomplete or not one of ours; join the group again."""
