"""X.509 credentials through the one authentication service; GREASE, and last-resort key packages."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mls_world import CONFIG, NOW, SUITE_1, World

sys.path.insert(0, str(Path(__file__).parent.parent / "crypto"))  # tests are no package: see conftest.py

from certificate_maker import NOW as CERTIFIED
from certificate_maker import Authority

from sottovoce.crypto.certificate_chains import EndEntity, verify_chain
from sottovoce.crypto.errors import InvalidCertificate
from sottovoce.crypto.key_pair import KeyPair
from sottovoce.mls import (
    Capabilities,
    Credential,
    CredentialRefused,
    CredentialType,
    DecodingError,
    Extension,
    ExtensionType,
    Group,
    GroupConfig,
    KeyPackageBundle,
    Lifetime,
    MisuseError,
    ValidationError,
    ValidationRule,
    default_capabilities,
    generate_key_package,
    grease_extension,
)
from sottovoce.mls.extensions import GREASE_VALUES
from sottovoce.mls.presentation import Reader, decode

ROOT = Authority("root")
MIDDLE = Authority("middle", ROOT)


class CertificateService:
    """Trusts whoever has a certificate by ``roots``; a client is a subject."""

    def __init__(self, roots: Collection[bytes], now: datetime) -> None:
        self.roots, self.now = roots, now

    def entity(self, credential: Credential) -> EndEntity:
        try:
            return verify_chain(credential.certificates, self.roots, self.now)
        except InvalidCertificate as error:
            raise CredentialRefused(str(error)) from error

    def validate(self, credential: Credential, signature_key: bytes) -> None:
        # RFC 9420 §5.3: the end entity's public key "MUST be identical to the signature_key".
        if self.entity(credential).public_key != signature_key:
            raise CredentialRefused("the certificate is of another key than the leaf")

    def same_client(self, old: Credential, new: Credential) -> bool:
        return self.entity(old).subject == self.entity(new).subject


X509 = GroupConfig(authentication=CertificateService([ROOT.certificate], CERTIFIED))


def keys() -> KeyPair:
    return SUITE_1.signature_key_pair(os.urandom(32))


def chain_of(name: str, pair: KeyPair, authority: Authority = MIDDLE) -> Credential:
    above = [] if authority is ROOT else [authority.certificate]
    return Credential.x509([authority.certify(name, pair.public), *above])


def bundle(credential: Credential, pair: KeyPair, **arguments: object) -> KeyPackageBundle:
    lifetime = Lifetime(NOW - 10, NOW + 10)
    return generate_key_package(
        SUITE_1,
        credential,
        pair,
        lifetime=lifetime,
        random=os.urandom,
        **arguments,  # type: ignore[arg-type]
    )


def create(name: str = "alice") -> Group:
    pair = keys()
    return Group.create(SUITE_1, b"room", chain_of(name, pair), pair, config=X509, random=os.urandom, now=NOW)


class TestX509:
    def test_reads_what_it_wrote(self) -> None:
        for chain in ((), (b"one",), (b"one", b"", b"x" * 300)):
            credential = Credential.x509(chain)
            again = decode(Credential.read, credential.encode())
            assert again == credential
            assert again.credential_type is CredentialType.X509
            assert again.certificates == chain

    def test_of_the_other_kind(self) -> None:
        with pytest.raises(CredentialRefused):
            _ = Credential.basic(b"alice").certificates
        with pytest.raises(CredentialRefused):
            _ = Credential.x509([b"x"]).identity

    def test_a_malformed_list(self) -> None:
        for data in (b"\x05abc", b"\x01a\xff"):
            encoded = Credential(CredentialType.X509, data).encode()
            with pytest.raises(DecodingError):
                decode(Credential.read, encoded)
            # The same bytes are a basic identity like any other.
            assert Credential.read(Reader(b"\x00\x01" + encoded[2:])).data == data

    def test_life_of_a_group(self) -> None:
        world = World(config=X509)
        alice, pair = create(), keys()
        bob_too = bundle(chain_of("bob", pair), pair)
        commit = alice.commit(add=[bob_too.message], random=os.urandom, now=NOW)
        alice.merge(commit)
        assert commit.welcome is not None
        bob = Group.join(commit.welcome, bob_too, config=X509)
        fresh = keys()
        update = bob.propose_update(
            credential=chain_of("bob", fresh), signature_key_pair=fresh, random=os.urandom
        )
        bob.merge(update)
        alice.merge(alice.process(update.message, now=NOW))
        world.groups = {"alice": alice, "bob": bob}
        world.commit(alice)
        carols = keys()
        join = Group.join_externally(
            alice.group_info(),
            chain_of("carol", carols),
            carols,
            suite=SUITE_1,
            config=X509,
            random=os.urandom,
        )
        world.deliver(join.commit, None)
        world.groups["carol"] = join.group
        world.agree()

    def test_a_certificate_of_another_key(self) -> None:
        alice, pair = create(), keys()
        stolen = bundle(chain_of("bob", keys()), pair)
        with pytest.raises(CredentialRefused):
            alice.commit(add=[stolen.message], random=os.urandom, now=NOW)

    def test_a_chain_to_nowhere(self) -> None:
        alice, pair = create(), keys()
        stranger = bundle(chain_of("bob", pair, Authority("root")), pair)
        with pytest.raises(CredentialRefused):
            alice.commit(add=[stranger.message], random=os.urandom, now=NOW)

    def test_an_expired_chain(self) -> None:
        alice = create()
        pair = keys()
        late = replace(X509, authentication=CertificateService([ROOT.certificate], CERTIFIED + timedelta(9)))
        commit = alice.commit(add=[bundle(chain_of("bob", pair), pair).message], random=os.urandom, now=NOW)
        alice._config = late
        assert commit.welcome is not None
        with pytest.raises(CredentialRefused):
            alice.commit(add=[bundle(chain_of("bob", pair), pair).message], random=os.urandom, now=NOW)

    def test_a_successor_of_another_subject(self) -> None:
        alice, pair = create(), keys()
        bob_too = bundle(chain_of("bob", pair), pair)
        commit = alice.commit(add=[bob_too.message], random=os.urandom, now=NOW)
        alice.merge(commit)
        assert commit.welcome is not None
        bob = Group.join(commit.welcome, bob_too, config=X509)
        fresh = keys()
        update = bob.propose_update(
            credential=chain_of("alice", fresh), signature_key_pair=fresh, random=os.urandom
        )
        alice.merge(alice.process(update.message, now=NOW))
        assert alice.commit(random=os.urandom, now=NOW).updated == ()

    def test_groups_of_basic_credentials_do_not_take_it(self, world: World) -> None:
        """Their members do not list its type (§7.3), whatever the authentication service says."""
        alice, pair = world.create(), keys()
        alice._config = replace(CONFIG, authentication=X509.authentication)
        with pytest.raises(ValidationError) as caught:
            alice.commit(add=[bundle(chain_of("bob", pair), pair).message], random=os.urandom, now=NOW)
        assert caught.value.rule is ValidationRule.LEAF_CREDENTIALS

    def test_the_clock_of_these_tests_is_aware(self) -> None:
        assert CERTIFIED.tzinfo is UTC


class TestGrease:
    def test_every_list_that_may_have_one_has_one(self) -> None:
        for credential in (Credential.basic(b"alice"), Credential.x509([b"x"])):
            listed = bundle(credential, keys()).key_package.leaf_node.capabilities
            lists = (listed.cipher_suites, listed.extensions, listed.proposals, listed.credentials)
            (value,) = {number for one in lists for number in one if number in GREASE_VALUES}
            assert all(value in one for one in lists)
            # §13.5: versions are not among the fields.
            assert listed.versions == (1,)
            assert credential.credential_type in listed.credentials

    def test_none_where_none_is_wanted(self) -> None:
        plain = default_capabilities(SUITE_1)
        listed = bundle(Credential.basic(b"alice"), keys(), capabilities=plain).key_package.leaf_node
        assert listed.capabilities == plain
        assert not set(GREASE_VALUES) & {*plain.cipher_suites, *plain.extensions, *plain.proposals}

    def test_values_are_those_of_the_rfc(self) -> None:
        assert len(GREASE_VALUES) == 15
        assert GREASE_VALUES[0] == 0x0A0A
        assert GREASE_VALUES[1] == 0x1A1A
        assert GREASE_VALUES[-1] == 0xEAEA

    def test_extensions_that_mean_nothing_change_nothing(self, world: World) -> None:
        alice, _ = world.group_of("alice", "bob")
        listed = {number for leaf in alice._state.tree.leaves() for number in leaf.capabilities.extensions}
        drawn = (grease_extension(os.urandom) for _ in range(10_000))
        extension = next(one for one in drawn if one.extension_type not in listed)
        assert extension.extension_type in GREASE_VALUES
        able = default_capabilities(SUITE_1, [extension.extension_type])
        carol = bundle(
            Credential.basic(b"carol"),
            world.keys(),
            capabilities=able,
            extensions=(extension,),
            leaf_extensions=(extension,),
        )
        commit = alice.commit(
            add=[carol.message], welcome_group_info_extensions=(extension,), random=os.urandom, now=NOW
        )
        world.deliver(commit.message, alice)
        alice.merge(commit)
        assert commit.welcome is not None
        world.groups["carol"] = Group.join(commit.welcome, carol, config=CONFIG)
        world.agree()
        assert world.groups["carol"].join_extensions == (extension,)
        # §13.5: never in a GroupContext, where everyone would have to know it.
        with pytest.raises(ValidationError) as caught:
            alice.commit(group_context_extensions=(extension,), random=os.urandom, now=NOW)
        assert caught.value.rule is ValidationRule.LEAF_GROUP_EXTENSIONS


class TestWhatIsListed:
    def test_default_types_are_not(self) -> None:
        listed = default_capabilities(SUITE_1, [1, 5, 0xFF01], proposals=[1, 7, 10])
        assert (listed.extensions, listed.proposals) == ((0xFF01,), (10,))

    def test_extensions_of_ones_own_are(self) -> None:
        ours, of_leaf, default = (Extension(number, b"") for number in (0xFF01, 0xFF02, 1))
        made = bundle(
            Credential.basic(b"alice"), keys(), extensions=(ours,), leaf_extensions=(of_leaf, default)
        )
        listed = made.key_package.leaf_node.capabilities.extensions
        assert {0xFF01, 0xFF02} <= set(listed)
        assert 1 not in listed

    @pytest.mark.parametrize("where", ["extensions", "leaf_extensions"])
    def test_an_extension_that_is_not(self, where: str) -> None:
        plain = default_capabilities(SUITE_1)
        with pytest.raises(MisuseError, match="0xff01"):
            bundle(
                Credential.basic(b"alice"), keys(), capabilities=plain, **{where: (Extension(0xFF01, b""),)}
            )


class GoneThrough(tuple[int, ...]):
    """A list that counts how often it was gone through."""

    __slots__ = ()
    times = 0

    def __contains__(self, number: object) -> bool:
        GoneThrough.times += 1
        return super().__contains__(number)

    def __iter__(self) -> Iterator[int]:
        GoneThrough.times += 1
        return super().__iter__()


def test_a_long_list_is_gone_through_once() -> None:
    """A leaf may have 65,536 extensions, and capabilities of a megabyte: a look for each took minutes."""
    listed = Capabilities((1,), (1,), GoneThrough(range(256, 512)), GoneThrough(range(256, 512)), (1,))
    for supports in (listed.supports_extension, listed.supports_proposal):
        GoneThrough.times = 0
        assert all(map(supports, range(256, 512)))
        assert not supports(512)
        assert supports(1)
        assert GoneThrough.times == 1


class TestLastResort:
    def test_is_marked(self) -> None:
        one = bundle(Credential.basic(b"alice"), keys(), last_resort=True)
        again = KeyPackageBundle.from_bytes(one.to_bytes())
        assert one.is_last_resort
        assert again.is_last_resort
        assert again.key_package.is_last_resort
        assert ExtensionType.LAST_RESORT in one.key_package.leaf_node.capabilities.extensions
        assert not bundle(Credential.basic(b"alice"), keys()).is_last_resort

    def test_capabilities_that_do_not_list_it(self) -> None:
        plain = default_capabilities(SUITE_1)
        with pytest.raises(MisuseError):
            bundle(Credential.basic(b"alice"), keys(), last_resort=True, capabilities=plain)

    def test_joins_two_groups(self, world: World) -> None:
        carol = bundle(Credential.basic(b"carol"), world.keys(), last_resort=True)
        for _ in range(2):
            (alice,) = World().group_of("alice")
            commit = alice.commit(add=[carol.message], random=os.urandom, now=NOW)
            assert commit.welcome is not None
            assert Group.join(commit.welcome, carol, config=CONFIG).epoch == commit.epoch
