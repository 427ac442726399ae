"""The numbered rules a peer's input is held to: one identifier in code, error and test."""

from __future__ import annotations

from enum import Enum


class ValidationRule(Enum):
    """A rule: its identifier, the section of RFC 9420 that sets it, and what it says."""

    LEAF_SIGNATURE = ("L01", "§7.3", "a leaf's signature verifies with its own signature key")
    LEAF_SOURCE = ("L02", "§7.3", "a leaf's source fits the place where the leaf is used")
    LEAF_LIFETIME = ("L03", "§7.3", "a key package is used within its lifetime")
    LEAF_REQUIRED_CAPABILITIES = ("L04", "§7.3", "a leaf supports what the group requires")
    LEAF_CREDENTIALS = ("L05", "§7.3", "every member supports every member's credential type")
    LEAF_EXTENSIONS = ("L06", "§7.3", "a leaf lists each extension it carries among its capabilities")
    LEAF_VERSION_AND_SUITE = ("L07", "§7.2", "a leaf supports the group's protocol version and cipher suite")
    LEAF_SIGNATURE_KEY_UNIQUE = ("L08", "§7.3", "no two members share a signature key")
    LEAF_ENCRYPTION_KEY_UNIQUE = ("L09", "§7.3", "no two nodes of a tree share an encryption key")
    LEAF_GROUP_EXTENSIONS = ("L10", "§13.4", "every member supports every extension of the GroupContext")
    LEAF_KEY_FRESH = ("L11", "§7.3", "an updated leaf has a new encryption key")
    CREDENTIAL_SUCCESSOR = ("L12", "§5.3.1", "a leaf's new credential belongs to the client of the old one")
    LEAF_PUBLIC_KEY = ("L13", "§7.6", "an encryption key is one that can be sealed to")
    LEAF_TOTAL_LIFETIME = ("L14", "§7.2", "a leaf's total lifetime is no longer than the application allows")
    LEAF_SIZE = ("L15", "§16.11", "a leaf is no larger than the application allows")

    KEY_PACKAGE_SUITE = ("K01", "§10.1", "a key package has the group's version and cipher suite")
    KEY_PACKAGE_SIGNATURE = ("K02", "§10.1", "a key package's signature verifies")
    KEY_PACKAGE_INIT_KEY = ("K03", "§10.1", "a key package's init key differs from its leaf's encryption key")

    TREE_NOT_EMPTY = ("T01", "§12.4.3.3", "a tree holds a leaf at least")
    TREE_LAST_NODE = ("T02", "§12.4.3.3", "an encoded tree's last node is not blank")
    TREE_NODE_KIND = ("T03", "§12.4.3.3", "leaves stand at even places of a tree, parents at odd ones")
    TREE_UNMERGED = ("T04", "§12.4.3.1", "an unmerged leaf is a member below, known to each node between")
    TREE_PARENT_HASH = ("T05", "§7.9.2", "one parent-hash chain covers each parent node")
    TREE_HASH = ("T06", "§12.4.3.1", "a tree has the hash that its GroupContext names")

    FRAMING_GROUP = ("F01", "§6", "a message names this group")
    FRAMING_MEMBER_ENCRYPTS = ("F02", "§6", "members send PrivateMessage only")
    FRAMING_SENDER = ("F03", "§6", "a sender is a member, or of a kind that may send this content")
    FRAMING_SIGNATURE = ("F04", "§6.1", "a message's signature verifies with its sender's key")
    FRAMING_MEMBERSHIP_TAG = ("F05", "§6.2", "a member's PublicMessage carries the group's membership tag")
    FRAMING_CONFIRMATION = ("F06", "§8.1", "the confirmation tag is that of the new epoch")
    FRAMING_APPLICATION_ENCRYPTED = ("F07", "§6", "application data is sent as PrivateMessage")
    FRAMING_PADDING = ("F08", "§6.3.1", "padding is zero bytes only")
    FRAMING_WIRE_FORMAT = ("F09", "§6", "a group receives PublicMessage and PrivateMessage only")

    FRAMING_EXTERNAL_SENDER = ("F10", "§6.1", "an external sender is in the group's external_senders list")
    FRAMING_REINITIALIZED = ("F11", "§12.4.2", "nothing is sent in a group that a ReInit has closed")

    PROPOSAL_KNOWN = ("P01", "§12.4", "each proposal a commit refers to was received in this epoch")
    PROPOSAL_ONE_PER_LEAF = ("P02", "§12.2", "a commit updates or removes a leaf once at most")
    PROPOSAL_OWN_UPDATE = ("P03", "§12.2", "a committer does not update or remove its own leaf by proposal")
    PROPOSAL_REMOVE_MEMBER = ("P04", "§12.1.3", "a Remove names a member")
    PROPOSAL_UPDATE_SENDER = ("P05", "§12.1.2", "an Update is sent by the member it updates")
    PROPOSAL_PSK_ONCE = ("P06", "§12.2", "a commit has each PreSharedKeyID once")
    PROPOSAL_PSK_FORM = ("P07", "§12.1.4", "a PreSharedKey proposal's usage and nonce length are allowed")
    PROPOSAL_EXTENSIONS_ONCE = ("P08", "§12.2", "a commit replaces the GroupContext extensions once at most")
    PROPOSAL_ALLOWED = ("P09", "§12.2", "a commit's proposals may stand in a commit of its kind")
    PROPOSAL_PATH = ("P10", "§12.4", "a commit carries a path where its proposals need one")
    PROPOSAL_EXTERNAL = (
        "P11",
        "§12.2",
        "an external commit has one ExternalInit, by value, and may remove one old leaf",
    )
    PROPOSAL_RESYNC = ("P12", "§12.2", "an external commit removes only the joiner's own old leaf")
    PROPOSAL_EXTERNAL_PATH = ("P13", "§12.4.3.2", "an external commit carries a path")
    PROPOSAL_EXTERNALS_ACCEPTED = (
        "P14",
        "§12.4.3.2",
        "an external commit comes to a group that accepts them",
    )
    PROPOSAL_COUNT = ("P15", "§12.4", "a member proposes a limited number of changes in one epoch")
    PROPOSAL_OUTSIDER_KIND = ("P16", "§12.1.8", "an outsider proposes what its kind of sender may")
    PROPOSAL_OUTSIDERS_ACCEPTED = (
        "P17",
        "§12.1.8",
        "an outsider's proposal comes to a group that accepts them",
    )
    PROPOSAL_REINIT_ALONE = ("P18", "§12.2", "a ReInit is the only proposal of its commit")
    PROPOSAL_REINIT_VERSION = ("P19", "§12.1.5", "a ReInit's version is no older than the group's")
    PROPOSAL_REINIT_ACCEPTED = ("P20", "§12.2", "a ReInit comes to a group that accepts it")
    PROPOSAL_SUPPORTED = ("P21", "§12.2", "a proposal's type is one that every member supports")
    PROPOSAL_SELF_REMOVE = (
        "P22",
        "draft-ietf-mls-extensions",
        "a SelfRemove is its sender's only one, in a PublicMessage, and committed by reference",
    )

    PSK_COUNT = ("P23", "§8.4", "65,535 pre-shared keys at most are injected into an epoch")

    PATH_LENGTH = ("U01", "§7.5", "an update path has one node for each of the filtered direct path")
    PATH_CIPHERTEXTS = (
        "U02",
        "§7.5",
        "a path node has one ciphertext for each node of the copath's resolution",
    )
    PATH_KEYS = ("U03", "§7.6", "a path's keys are new, and derived from its secrets")
    PATH_PARENT_HASH = ("U04", "§7.6", "a path's leaf has the parent hash of the new path")
    PATH_SECRET = ("U05", "§7.6", "a path secret opens to Nh bytes")

    WELCOME_SUITE = ("W01", "§12.4.3.1", "a Welcome is of the joiner's cipher suite")
    WELCOME_ADDRESSED = ("W02", "§12.4.3.1", "a Welcome holds secrets for the joiner's key package")
    WELCOME_SECRETS = ("W03", "§12.4.3.1", "a Welcome's encrypted parts open")
    WELCOME_PSK = (
        "W04",
        "§12.4.3.1",
        "a Welcome has each PreSharedKeyID once, of a kind the joiner can hold",
    )
    WELCOME_SIGNATURE = ("W05", "§12.4.3.1", "a GroupInfo is signed by the member it names")
    WELCOME_CONFIRMATION = ("W06", "§12.4.3.1", "a GroupInfo's confirmation tag is that of its epoch")
    WELCOME_LEAF = ("W07", "§12.4.3.1", "the joiner's leaf is in the tree")
    WELCOME_PATH_SECRET = ("W08", "§12.4.3.1", "a Welcome's path secret gives the keys of the tree")
    WELCOME_TREE = ("W09", "§12.4.3.3", "a ratchet tree comes with the Welcome or beside it")
    GROUP_INFO_EXTERNAL = ("W10", "§12.4.3.2", "a GroupInfo for joining externally names the external key")
    WELCOME_LINK = ("W11", "§12.4.3.1", "a Welcome names one PSK of usage reinit or branch at most")
    WELCOME_PREDECESSOR = ("W12", "§12.4.3.1", "a Welcome follows the group it is said to follow")
    WELCOME_FIRST_EPOCH = ("W13", "§12.4.3.1", "a group that follows another is joined at epoch 1")
    WELCOME_REINIT = ("W14", "§11.2", "a successor has the parameters that the ReInit announced")
    WELCOME_REINIT_MEMBERS = ("W15", "§11.2", "a successor has the members of the group it follows")
    WELCOME_BRANCH = ("W16", "§11.3", "a subgroup has its parent's version and cipher suite")
    WELCOME_BRANCH_MEMBERS = ("W17", "§11.3", "each member of a subgroup is one of its parent, then and now")
    WELCOME_BRANCH_ID = ("W18", "§12.4.3.1", "a subgroup has a group id of its own")
    WELCOME_EPOCH = ("W19", "§8.1", "a group is joined in an epoch that commits can have led to")

    def __init__(self, identifier: str, section: str, text: str) -> None:
        self.identifier = identifier
        self.section = section
        self.text = text
