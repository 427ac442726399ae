"""Threat B14, the policy's part, and roles: each rule has a commit that keeps it and one that breaks it."""

import pytest

from sottovoce.client import cbor
from sottovoce.client.errors import ContentError, PolicyViolation
from sottovoce.client.policy import (
    Access,
    Occupant,
    PolicyRule,
    ProposedCommit,
    Removal,
    RoomPolicy,
    check_commit,
)

OWNER, ADMIN, MEMBER, OTHER = (Occupant(letter * 32, letter * 16) for letter in (b"o", b"a", b"m", b"x"))
MEMBERS_LAPTOP = Occupant(MEMBER.account_key, b"laptop" + bytes(10))
POLICY = RoomPolicy("garden", "roses", Access.INVITE, OWNER.account_key, (ADMIN.account_key,), 2)
OPEN = RoomPolicy("lobby", access=Access.OPEN)
KEYED = RoomPolicy("cellar", access=Access.KEY, owner=OWNER.account_key)
PSK = b"current psk"


def commit(by: Occupant, **what: object) -> ProposedCommit:
    return ProposedCommit(epoch=7, committer=by, is_external=False, current_psk_id=PSK, **what)  # type: ignore[arg-type]


def external(by: Occupant, **what: object) -> ProposedCommit:
    what = {"psk_ids": (PSK,)} | what
    return ProposedCommit(epoch=7, committer=by, is_external=True, current_psk_id=PSK, **what)  # type: ignore[arg-type]


def removal(removed: Occupant, by: Occupant) -> tuple[Removal, ...]:
    return (Removal(removed, by),)


def remade(**what: object) -> RoomPolicy:
    return RoomPolicy(**(vars(POLICY) | what))  # type: ignore[arg-type]


KEPT = [
    (POLICY, commit(MEMBER)),
    (POLICY, commit(MEMBER, psk_ids=(PSK,))),
    (POLICY, commit(MEMBER, added=(OTHER,))),
    (OPEN, commit(MEMBER, added=(OTHER,))),
    (POLICY, external(OTHER)),
    (POLICY, external(MEMBER, removed=removal(MEMBER, MEMBER))),
    (OPEN, external(OTHER)),
    (KEYED, external(OTHER)),
    (POLICY, commit(ADMIN, removed=removal(MEMBER, ADMIN), new_policy=POLICY.rotated(8))),
    (POLICY, commit(OWNER, removed=removal(ADMIN, OWNER), new_policy=POLICY.rotated(8))),
    (POLICY, commit(MEMBER, removed=removal(MEMBERS_LAPTOP, MEMBER), new_policy=POLICY.rotated(8))),
    (POLICY, commit(MEMBER, removed=removal(OTHER, OTHER), new_policy=POLICY.rotated(8))),  # OTHER left
    (POLICY, commit(MEMBER, new_policy=POLICY.rotated(8))),
    (OPEN, commit(MEMBER, removed=removal(OTHER, OTHER))),
    (POLICY, commit(ADMIN, new_policy=remade(topic="lilies"))),
    (POLICY, commit(OWNER, new_policy=remade(owner=ADMIN.account_key, admins=()))),
]

BROKEN = [
    (PolicyRule.JOINER_PSK, POLICY, external(OTHER, psk_ids=())),
    (PolicyRule.JOINER_PSK, POLICY, external(OTHER, psk_ids=(b"psk of before",))),
    (PolicyRule.JOINER_PSK, POLICY, external(OTHER, psk_ids=(PSK, b"another"))),
    (PolicyRule.JOINER_PSK, OPEN, external(OTHER, psk_ids=())),
    (PolicyRule.JOINER_REMOVES_ONLY_ITSELF, POLICY, external(OTHER, removed=removal(MEMBER, OTHER))),
    (
        PolicyRule.JOINER_REMOVES_ONLY_ITSELF,
        POLICY,
        external(MEMBER, removed=removal(MEMBERS_LAPTOP, MEMBER)),
    ),
    (PolicyRule.JOINER_REMOVES_ONLY_ITSELF, POLICY, external(MEMBER, removed=removal(MEMBER, MEMBER) * 2)),
    (PolicyRule.JOINER_CHANGES_NOTHING_ELSE, POLICY, external(OTHER, added=(MEMBER,))),
    (PolicyRule.JOINER_CHANGES_NOTHING_ELSE, POLICY, external(OWNER, new_policy=remade(topic="x"))),
    (PolicyRule.ADD_BY_MEMBER, KEYED, commit(OWNER, added=(OTHER,))),
    (
        PolicyRule.REMOVE_BY_ADMIN,
        POLICY,
        commit(MEMBER, removed=removal(OTHER, MEMBER), new_policy=POLICY.rotated(8)),
    ),
    (
        PolicyRule.REMOVE_BY_ADMIN,
        POLICY,
        commit(ADMIN, removed=removal(OWNER, ADMIN), new_policy=POLICY.rotated(8)),
    ),
    (
        PolicyRule.REMOVE_BY_ADMIN,
        POLICY,
        commit(ADMIN, removed=removal(OTHER, MEMBER), new_policy=POLICY.rotated(8)),
    ),
    (PolicyRule.REMOVE_BY_ADMIN, OPEN, commit(MEMBER, removed=removal(OTHER, MEMBER))),
    (PolicyRule.ROTATE_ON_REMOVAL, POLICY, commit(ADMIN, removed=removal(MEMBER, ADMIN))),
    (PolicyRule.ROTATE_ON_REMOVAL, POLICY, commit(ADMIN, removed=removal(MEMBER, ADMIN), new_policy=POLICY)),
    (PolicyRule.ROTATION_IS_NOW, POLICY, commit(MEMBER, new_policy=POLICY.rotated(1))),
    (PolicyRule.ROTATION_IS_NOW, POLICY, commit(MEMBER, new_policy=POLICY.rotated(9))),
    (PolicyRule.ROTATION_IS_NOW, OPEN, commit(MEMBER, new_policy=OPEN.rotated(8))),
    (PolicyRule.ROTATION_IS_NOW, KEYED, commit(OWNER, new_policy=KEYED.rotated(8))),
    (PolicyRule.POLICY_BY_ADMIN, POLICY, commit(MEMBER, new_policy=remade(topic="x"))),
    (PolicyRule.POLICY_BY_ADMIN, POLICY, commit(MEMBER, new_policy=remade(name="x"))),
    (PolicyRule.POLICY_BY_ADMIN, OPEN, commit(MEMBER, new_policy=RoomPolicy("lobby", access=Access.INVITE))),
    (PolicyRule.ROLES_BY_OWNER, POLICY, commit(ADMIN, new_policy=remade(owner=ADMIN.account_key))),
    (PolicyRule.ROLES_BY_OWNER, POLICY, commit(ADMIN, new_policy=remade(admins=()))),
    (
        PolicyRule.ROLES_BY_OWNER,
        OPEN,
        commit(MEMBER, new_policy=RoomPolicy("lobby", access=Access.OPEN, owner=b"m" * 32)),
    ),
    (PolicyRule.MEMBER_PSK, POLICY, commit(MEMBER, psk_ids=(b"another",))),
    (PolicyRule.PROPOSE_LEAVING_ONLY, POLICY, commit(OWNER, updated=(MEMBER,))),
    (PolicyRule.CONTEXT_STAYS, POLICY, commit(OWNER, changes_context=True)),
]


@pytest.mark.parametrize(("policy", "proposed"), KEPT)
def test_a_commit_that_keeps_the_rules_is_taken(policy: RoomPolicy, proposed: ProposedCommit) -> None:
    check_commit(policy, proposed)


@pytest.mark.parametrize(("rule", "policy", "proposed"), BROKEN)
def test_a_commit_that_breaks_one_is_refused_by_its_id(
    rule: PolicyRule, policy: RoomPolicy, proposed: ProposedCommit
) -> None:
    with pytest.raises(PolicyViolation, match=rf"\({rule}\)") as caught:
        check_commit(policy, proposed)
    assert caught.value.rule == rule


def test_every_rule_is_broken_by_a_test() -> None:
    assert {rule for rule, _, _ in BROKEN} == set(PolicyRule)


class TestEncoding:
    @pytest.mark.parametrize("policy", [POLICY, OPEN, KEYED])
    def test_round_trip(self, policy: RoomPolicy) -> None:
        assert RoomPolicy.decode(policy.encode()) == policy

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            (0, 2),
            (1, "x" * 65),
            (3, "public"),
            (4, b"short"),
            (5, [b"short"]),
            (5, [1]),
            (5, [b"a" * 32] * 65),
            (6, -1),
        ],
    )
    def test_a_malformed_one_is_refused(self, place: int, value: object) -> None:
        fields = cbor.decode(POLICY.encode())
        fields[place] = value
        with pytest.raises(ContentError):
            RoomPolicy.decode(cbor.encode(fields))
