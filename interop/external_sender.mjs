// Who is in no group and proposes to those that list it among their external senders (RFC 9420 §12.1.8.1).

import { encodeExternalSender, encodeMlsMessage, getCiphersuiteImpl } from "ts-mls"
import { protectExternalProposalPublic } from "ts-mls/messageProtectionPublic.js"
import { signatureKeyPair } from "./conformity.mjs"
import { bytes, hex, message, suiteOf } from "./encoding.mjs"
import { proposal } from "./proposals.mjs"

export class ExternalSender {
  operations = new Set(["external_sender", "propose"])

  static async named(identity, suite) {
    const sender = new ExternalSender()
    const described = suiteOf(suite)
    sender.credential = { credentialType: "basic", identity: bytes(identity) }
    sender.cs = await getCiphersuiteImpl(described)
    sender.signatureKeys = await signatureKeyPair(sender.cs, described.signature)
    return sender
  }

  /** What a group's extension has of it. */
  external_sender() {
    const { credential, signatureKeys } = this
    return { external_sender: hex(encodeExternalSender({ credential, signaturePublicKey: signatureKeys.publicKey })) }
  }

  /** `proposeExternal` of ts-mls looks for the place in the list itself, and cannot read the list (README.md). */
  async propose({ group_info, place, ...asked }) {
    const { groupContext } = message(group_info, "mls_group_info").groupInfo
    const sent = await protectExternalProposalPublic(
      this.signatureKeys.signKey,
      groupContext,
      new Uint8Array(),
      proposal(asked, this.cs),
      { senderType: "external", senderIndex: place },
      this.cs,
    )
    const publicMessage = sent.publicMessage
    return { message: hex(encodeMlsMessage({ version: "mls10", wireformat: "mls_public_message", publicMessage })) }
  }
}
