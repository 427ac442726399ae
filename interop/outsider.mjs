// Who is in no group and proposes to it: one who asks to be added, and an external sender.

import {
  encodeExternalSender,
  encodeMlsMessage,
  getCiphersuiteImpl,
  proposeAddExternal,
  proposeExternal,
} from "ts-mls"
import { signatureKeyPair } from "./conformity.mjs"
import { bytes, hex, message, suiteOf } from "./encoding.mjs"
import { newKeyPackage, proposal } from "./proposals.mjs"

export class Outsider {
  operations = new Set(["external_sender", "propose", "propose_own_addition"])

  static async named(identity, suite) {
    const outsider = new Outsider()
    outsider.credential = { credentialType: "basic", identity: bytes(identity) }
    const described = suiteOf(suite)
    outsider.cs = await getCiphersuiteImpl(described)
    outsider.signatureKeys = await signatureKeyPair(outsider.cs, described.signature)
    return outsider
  }

  /** The `ExternalSender` that a group has in its extension. */
  external_sender() {
    const { credential, signatureKeys } = this
    return { external_sender: hex(encodeExternalSender({ credential, signaturePublicKey: signatureKeys.publicKey })) }
  }

  async propose({ group_info, ...asked }) {
    const { groupInfo } = message(group_info, "mls_group_info")
    const { publicKey, signKey } = this.signatureKeys
    const sent = await proposeExternal(groupInfo, proposal(asked, this.cs), publicKey, signKey, this.cs)
    return { message: hex(encodeMlsMessage(sent)) }
  }

  async propose_own_addition({ group_info }) {
    const { groupInfo } = message(group_info, "mls_group_info")
    const made = await newKeyPackage(this.credential, this.signatureKeys, this.cs)
    const sent = await proposeAddExternal(groupInfo, made.publicPackage, made.privatePackage, this.cs)
    return { message: hex(encodeMlsMessage(sent)) }
  }
}
