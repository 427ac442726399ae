// Where ts-mls 1.6.4 encodes otherwise than RFC 9420 says, and what brings it back; README.md lists it.

import { p256, p384, p521 } from "@noble/curves/nist.js"
import { createGroupInfo } from "ts-mls/createCommit.js"
import { ratchetTreeEncoder } from "ts-mls/ratchetTree.js"
import { encode } from "ts-mls/codec/tlsEncoder.js"
import { directPath, leafToNodeIndex, leafWidth } from "ts-mls/treemath.js"
import { decodeVarLenData, varLenDataEncoder } from "ts-mls/codec/variableLength.js"

const CURVES = { P256: p256, P384: p384, P521: p521 }

/**
 * A signature key pair. RFC 9420 §5.1.1 has the public keys of ECDSA "encoded as an
 * UncompressedPointRepresentation"; ts-mls makes compressed ones, and verifies with either.
 */
export async function signatureKeyPair(cs, signatureName) {
  const keys = await cs.signature.keygen()
  const curve = CURVES[signatureName]
  return curve === undefined ? keys : { ...keys, publicKey: curve.getPublicKey(keys.signKey, false) }
}

/**
 * A GroupInfo to join externally with. RFC 9420 §12.4.3.2: `struct { HPKEPublicKey external_pub; } ExternalPub;`
 * and an `HPKEPublicKey` is `opaque<V>`; ts-mls writes the key without its length.
 */
export async function groupInfoForJoiners(state, withTree, cs) {
  const { publicKey } = await cs.hpke.deriveKeyPair(state.keySchedule.externalSecret)
  const externalPub = encode(varLenDataEncoder)(await cs.hpke.exportPublicKey(publicKey))
  const extensions = [{ extensionType: "external_pub", extensionData: externalPub }]
  if (withTree) {
    extensions.push({ extensionType: "ratchet_tree", extensionData: encode(ratchetTreeEncoder)(state.ratchetTree) })
  }
  return createGroupInfo(state.groupContext, state.confirmationTag, state, extensions, cs)
}

/** The same cipher suite, which reads the length before that one key, the first that joining imports. */
export function suiteForJoining(cs, groupInfo) {
  const { extensionData } = groupInfo.extensions.find((one) => one.extensionType === "external_pub")
  const importPublicKey = (octets) => {
    const isExternalPub = Buffer.compare(octets, extensionData) === 0
    return cs.hpke.importPublicKey(isExternalPub ? decodeVarLenData(octets, 0)[0] : octets)
  }
  return { ...cs, hpke: { ...cs.hpke, importPublicKey } }
}

/**
 * What ts-mls asks of a tree beyond RFC 9420 §12.4.3.1, which has an unmerged leaf listed by the non-blank nodes
 * between it and a node that lists it: by ts-mls all of those above it must list the same leaves.
 */
export function unmergedLeavesAreTaken(tree) {
  const above = (leaf) => directPath(leafToNodeIndex(leaf), leafWidth(tree.length)).map((index) => tree[index])
  const same = (one, other) => one.length === other.length && one.every((leaf, at) => leaf === other[at])
  const lists = (node) => (node?.nodeType === "parent" ? node.parent.unmergedLeaves : [])
  return tree.every((node) =>
    lists(node).every((leaf) => above(leaf).every((other) => other === undefined || same(lists(other), lists(node)))),
  )
}
