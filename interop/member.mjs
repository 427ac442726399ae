// One ts-mls member: its keys, its pre-shared keys and the group it is in.

import {
  branchGroup,
  createApplicationMessage,
  createCommit,
  createGroup,
  createProposal,
  encodeMlsMessage,
  getCiphersuiteImpl,
  joinGroup,
  joinGroupExternal,
  joinGroupFromBranch,
  joinGroupFromReinit,
  makePskIndex,
  mlsExporter,
  proposeAddExternal,
  processPrivateMessage,
  processPublicMessage,
  reinitCreateNewGroup,
} from "ts-mls"
import { leafToNodeIndex } from "ts-mls/treemath.js"
import { groupInfoForJoiners, signatureKeyPair, suiteForJoining } from "./conformity.mjs"
import {
  base64,
  bytes,
  extensions,
  hex,
  message,
  messageHex,
  ratchetTree,
  ratchetTreeHex,
  suiteOf,
} from "./encoding.mjs"
import { newKeyPackage, newUpdate, proposal } from "./proposals.mjs"

const OPERATIONS =
  "key_package create join join_externally commit propose process encrypt look export group_info ratchet_tree " +
  "know_psk propose_own_addition begin_successor join_successor branch join_branch"

export class Member {
  operations = new Set(OPERATIONS.split(" "))
  psks = {}
  /** The new private keys of Updates that wait for somebody's commit, by the public key. */
  updates = new Map()

  static async named(identity, suite) {
    const member = new Member()
    member.credential = { credentialType: "basic", identity: bytes(identity) }
    await member.#use(suite)
    return member
  }

  async #use(suite) {
    const before = this.cs
    const described = suiteOf(suite)
    this.cs = await getCiphersuiteImpl(described)
    if (before === undefined || this.signatureName !== described.signature) {
      this.signatureKeys = await signatureKeyPair(this.cs, described.signature)
      this.signatureName = described.signature
    }
  }

  get #pskIndex() {
    return makePskIndex(this.state, this.psks)
  }

  know_psk({ psk_id, psk }) {
    this.psks[base64(bytes(psk_id))] = bytes(psk)
  }

  // -- beginning ---------------------------------------------------------------------------------------

  /** A new key package, of another suite where one is named: that of the successor of a group. */
  async key_package({ suite }) {
    if (suite !== undefined) await this.#use(suite)
    this.keys = await newKeyPackage(this.credential, this.signatureKeys, this.cs)
    return { key_package: messageHex("mls_key_package", "keyPackage", this.keys.publicPackage) }
  }

  async create({ group_id, extensions: wanted }) {
    await this.key_package({})
    const { publicPackage, privatePackage } = this.keys
    this.state = await createGroup(bytes(group_id), publicPackage, privatePackage, extensions(wanted), this.cs)
  }

  async join({ welcome, ratchet_tree }) {
    const { publicPackage, privatePackage } = this.keys
    const { welcome: body } = message(welcome, "mls_welcome")
    const psks = makePskIndex(undefined, this.psks)
    this.state = await joinGroup(body, publicPackage, privatePackage, psks, this.cs, ratchetTree(ratchet_tree))
  }

  async join_externally({ group_info, ratchet_tree, resync }) {
    await this.key_package({})
    const { groupInfo } = message(group_info, "mls_group_info")
    const { publicPackage, privatePackage } = this.keys
    const tree = ratchetTree(ratchet_tree)
    const cs = suiteForJoining(this.cs, groupInfo)
    const joined = await joinGroupExternal(groupInfo, publicPackage, privatePackage, resync, cs, tree)
    this.state = joined.newState
    return { commit: messageHex("mls_public_message", "publicMessage", joined.publicMessage) }
  }

  /** Before it is in the group: it joins by the Welcome of whoever commits this. */
  async propose_own_addition({ group_info }) {
    await this.key_package({})
    const { groupInfo } = message(group_info, "mls_group_info")
    const { publicPackage, privatePackage } = this.keys
    const sent = await proposeAddExternal(groupInfo, publicPackage, privatePackage, this.cs)
    return { message: hex(encodeMlsMessage(sent)) }
  }

  // -- sending -----------------------------------------------------------------------------------------

  async commit({ proposals, by_public_message, tree_in_welcome, authenticated_data }) {
    const made = await createCommit(
      { state: this.#withoutOwnUpdates(), pskIndex: this.#pskIndex, cipherSuite: this.cs },
      {
        extraProposals: proposals.map((one) => proposal(one, this.cs)),
        wireAsPublicMessage: by_public_message,
        ratchetTreeExtension: tree_in_welcome,
        authenticatedData: bytes(authenticated_data),
      },
    )
    this.#moveTo(made.newState)
    return this.#outcome(made)
  }

  /** RFC 9420 §12.2: no committer commits its own Update. ts-mls would refuse its whole commit. */
  #withoutOwnUpdates() {
    const { state } = this
    const { leafIndex } = state.privatePath
    const others = Object.entries(state.unappliedProposals).filter(
      ([, one]) => !(one.proposal.proposalType === "update" && one.senderLeafIndex === leafIndex),
    )
    return { ...state, unappliedProposals: Object.fromEntries(others) }
  }

  #outcome(made) {
    const welcome = made.welcome && messageHex("mls_welcome", "welcome", made.welcome)
    const ratchet_tree = ratchetTreeHex(made.newState.ratchetTree)
    return { commit: hex(encodeMlsMessage(made.commit)), welcome, ratchet_tree }
  }

  #moveTo(state) {
    this.state = state
    this.updates.clear()
  }

  async propose({ by_public_message, ...asked }) {
    let proposed
    if (asked.kind === "update") {
      const update = await newUpdate(this.state, this.cs)
      proposed = update.proposed
      this.updates.set(hex(proposed.update.leafNode.hpkePublicKey), update.privateKey)
    } else {
      proposed = proposal(asked, this.cs)
    }
    const made = await createProposal(this.state, by_public_message, proposed, this.cs)
    this.state = made.newState
    return { message: hex(encodeMlsMessage(made.message)) }
  }

  async encrypt({ content, authenticated_data }) {
    const made = await createApplicationMessage(this.state, bytes(content), this.cs, bytes(authenticated_data))
    this.state = made.newState
    return { message: messageHex("mls_private_message", "privateMessage", made.privateMessage) }
  }

  // -- receiving ---------------------------------------------------------------------------------------

  async process({ message: encoded }) {
    const read = message(encoded, "mls_private_message", "mls_public_message")
    const isPrivate = read.wireformat === "mls_private_message"
    const body = isPrivate ? read.privateMessage : read.publicMessage
    const process = isPrivate ? processPrivateMessage : processPublicMessage
    const kinds = []
    const state = this.#copyOfPath()
    // `processMessage` of ts-mls hands no pre-shared keys to what is private, so it is not used here.
    const result = await process(state, body, this.#pskIndex, this.cs, (incoming) => {
      kinds.push(incoming.kind)
      if (incoming.kind === "commit") this.#applyOwnUpdate(incoming.proposals, state)
      return "accept"
    })
    if (result.kind === "applicationMessage") {
      this.state = result.newState
      return { kind: "application", content: hex(result.message), authenticated_data: hex(body.authenticatedData) }
    }
    if (kinds[0] === "commit") this.#moveTo(result.newState)
    else this.state = result.newState
    return { kind: kinds[0] }
  }

  #copyOfPath() {
    const { privatePath } = this.state
    return { ...this.state, privatePath: { ...privatePath, privateKeys: { ...privatePath.privateKeys } } }
  }

  /** The leaf of a committed Update decrypts the path of that very commit: its key is put in place first. */
  #applyOwnUpdate(proposals, state) {
    const { leafIndex, privateKeys } = state.privatePath
    for (const { proposal: one, senderLeafIndex } of proposals) {
      if (one.proposalType === "update" && senderLeafIndex === leafIndex) {
        privateKeys[leafToNodeIndex(leafIndex)] = this.updates.get(hex(one.update.leafNode.hpkePublicKey))
      }
    }
  }

  // -- looking -----------------------------------------------------------------------------------------

  look() {
    const { groupContext, keySchedule, groupActiveState, privatePath } = this.state
    return {
      epoch: Number(groupContext.epoch),
      group_id: hex(groupContext.groupId),
      confirmed_transcript_hash: hex(groupContext.confirmedTranscriptHash),
      epoch_authenticator: hex(keySchedule.epochAuthenticator),
      own_leaf: privatePath.leafIndex,
      state: groupActiveState.kind,
    }
  }

  async export({ label, context, length }) {
    const { exporterSecret } = this.state.keySchedule
    return { exported: hex(await mlsExporter(exporterSecret, label, bytes(context), length, this.cs)) }
  }

  async group_info({ with_tree }) {
    const made = await groupInfoForJoiners(this.state, with_tree, this.cs)
    return { group_info: messageHex("mls_group_info", "groupInfo", made) }
  }

  ratchet_tree() {
    return { ratchet_tree: ratchetTreeHex(this.state.ratchetTree) }
  }

  // -- successors and subgroups ------------------------------------------------------------------------

  #packages(encoded) {
    return encoded.map((one) => message(one, "mls_key_package").keyPackage)
  }

  /** After a ReInit: the new group, as it was announced (RFC 9420 §11.2). `key_package` comes first. */
  async begin_successor({ key_packages }) {
    const { reinit } = this.state.groupActiveState
    const { publicPackage, privatePackage } = this.keys
    const made = await reinitCreateNewGroup(
      this.state,
      publicPackage,
      privatePackage,
      this.#packages(key_packages),
      reinit.groupId,
      reinit.cipherSuite,
      reinit.extensions,
    )
    this.#moveTo(made.newState)
    return this.#outcome(made)
  }

  async join_successor({ welcome, ratchet_tree }) {
    const { publicPackage, privatePackage } = this.keys
    const { welcome: body } = message(welcome, "mls_welcome")
    const tree = ratchetTree(ratchet_tree)
    this.#moveTo(await joinGroupFromReinit(this.state, body, publicPackage, privatePackage, tree))
  }

  /** A new group of some of the members (RFC 9420 §11.3). `key_package` comes first. */
  async branch({ key_packages, group_id }) {
    const { publicPackage, privatePackage } = this.keys
    const packages = this.#packages(key_packages)
    const id = bytes(group_id)
    const made = await branchGroup(this.state, publicPackage, privatePackage, packages, id, this.cs)
    this.#moveTo(made.newState)
    return this.#outcome(made)
  }

  async join_branch({ welcome, ratchet_tree }) {
    const { publicPackage, privatePackage } = this.keys
    const { welcome: body } = message(welcome, "mls_welcome")
    const tree = ratchetTree(ratchet_tree)
    this.#moveTo(await joinGroupFromBranch(this.state, body, publicPackage, privatePackage, tree, this.cs))
  }
}
