// Between the bytes and numbers of RFC 9420 and the objects and names of ts-mls.

import { decodeMlsMessage, defaultExtensionTypes, encodeMlsMessage } from "ts-mls"
import { getCiphersuiteFromId } from "ts-mls/crypto/ciphersuite.js"
import { decodeRatchetTree, encodeRatchetTree } from "ts-mls/ratchetTree.js"

export const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"))
export const hex = (octets) => Buffer.from(octets).toString("hex")
export const base64 = (octets) => Buffer.from(octets).toString("base64")

const extensionNames = new Map(Object.entries(defaultExtensionTypes).map(([name, number]) => [number, name]))

/** `[[number, hex], ...]` as the extensions of ts-mls, which names those that it knows. */
export const extensions = (pairs) =>
  pairs.map(([number, data]) => ({ extensionType: extensionNames.get(number) ?? number, extensionData: bytes(data) }))

/** The cipher suite of a number of the IANA registry, or of those that ts-mls gave itself. */
export function suiteOf(number) {
  const suite = getCiphersuiteFromId(number)
  if (suite === undefined) throw new RangeError(`ts-mls has no cipher suite ${number}`)
  return suite
}

function whole(decoded, octets, what) {
  if (decoded === undefined || decoded[1] !== octets.length) throw new RangeError(`this is no ${what}`)
  return decoded[0]
}

export function message(encoded, ...wireformats) {
  const octets = bytes(encoded)
  const decoded = whole(decodeMlsMessage(octets, 0), octets, "MLSMessage")
  if (!wireformats.includes(decoded.wireformat)) throw new RangeError(`${decoded.wireformat} is not wanted`)
  return decoded
}

export const messageHex = (wireformat, field, body) =>
  hex(encodeMlsMessage({ version: "mls10", wireformat, [field]: body }))

export function ratchetTree(encoded) {
  if (encoded === undefined || encoded === null) return undefined
  const octets = bytes(encoded)
  return whole(decodeRatchetTree(octets, 0), octets, "ratchet tree")
}

export const ratchetTreeHex = (tree) => hex(encodeRatchetTree(tree))
