// What is proposed, and the key packages it is about.

import { defaultCapabilities, defaultLifetime, generateKeyPackageWithKey } from "ts-mls"
import { signLeafNodeCommit } from "ts-mls/leafNode.js"
import { leafToNodeIndex } from "ts-mls/treemath.js"
import { bytes, extensions, message, suiteOf } from "./encoding.mjs"

/** An extension for private use (RFC 9420 §17.3), so that there is one to be put into a GroupContext. */
const PRIVATE_EXTENSION = 0xf0f0

export function newKeyPackage(credential, signatureKeys, cs) {
  const capabilities = defaultCapabilities()
  capabilities.extensions.push(PRIVATE_EXTENSION)
  return generateKeyPackageWithKey(credential, capabilities, defaultLifetime, [], signatureKeys, cs)
}

/** The proposal that a request describes; an Update is `newUpdate`'s. */
export function proposal(asked, cs) {
  switch (asked.kind) {
    case "add": {
      const { keyPackage } = message(asked.key_package, "mls_key_package")
      return { proposalType: "add", add: { keyPackage } }
    }
    case "remove":
      return { proposalType: "remove", remove: { removed: asked.leaf } }
    case "psk":
      return psk({ psktype: "external", pskId: bytes(asked.psk_id) }, cs)
    case "resumption_psk": {
      const pskGroupId = bytes(asked.group_id)
      return psk({ psktype: "resumption", usage: "application", pskGroupId, pskEpoch: BigInt(asked.epoch) }, cs)
    }
    case "extensions":
      return {
        proposalType: "group_context_extensions",
        groupContextExtensions: { extensions: extensions(asked.extensions) },
      }
    case "reinit":
      return {
        proposalType: "reinit",
        reinit: {
          groupId: bytes(asked.group_id),
          version: "mls10",
          cipherSuite: suiteOf(asked.suite).name,
          extensions: extensions(asked.extensions),
        },
      }
    default:
      throw new RangeError(`no proposal ${asked.kind}`)
  }
}

const psk = (id, cs) => ({
  proposalType: "psk",
  psk: { preSharedKeyId: { ...id, pskNonce: cs.rng.randomBytes(cs.kdf.size) } },
})

/** An Update of one's own leaf and its private key. ts-mls commits Updates of others, and makes none. */
export async function newUpdate(state, cs) {
  const { leafIndex } = state.privatePath
  const { leaf } = state.ratchetTree[leafToNodeIndex(leafIndex)]
  const keys = await cs.hpke.generateKeyPair()
  const leafNode = await signLeafNodeCommit(
    {
      leafNodeSource: "update",
      hpkePublicKey: await cs.hpke.exportPublicKey(keys.publicKey),
      signaturePublicKey: leaf.signaturePublicKey,
      credential: leaf.credential,
      capabilities: leaf.capabilities,
      extensions: leaf.extensions,
      groupId: state.groupContext.groupId,
      leafIndex,
    },
    state.signaturePrivateKey,
    cs.signature,
  )
  const privateKey = await cs.hpke.exportPrivateKey(keys.privateKey)
  return { proposed: { proposalType: "update", update: { leafNode } }, privateKey }
}
