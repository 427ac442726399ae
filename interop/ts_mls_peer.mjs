// A process that holds any number of ts-mls members and does as it is told: one JSON object per line on
// standard input is one request, one line on standard output its answer. Bytes are hexadecimal.
//
//   {"member": "ann", "do": "encrypt", "content": "6869"}  ->  {"ok": {"message": "0001..."}}
//   what ts-mls throws                                      ->  {"error": "ValidationError", "text": "..."}

import { createInterface } from "node:readline"
import { ciphersuites } from "ts-mls"
import { unmergedLeavesAreTaken } from "./conformity.mjs"
import { hex, ratchetTree } from "./encoding.mjs"
import { ExternalSender } from "./external_sender.mjs"
import { Member } from "./member.mjs"

const members = new Map()

/** Whether ts-mls joins with this tree, and the leaf of each identity. */
function examine(tree) {
  const leaves = tree.flatMap((node, index) =>
    node?.nodeType === "leaf" ? [[hex(node.leaf.credential.identity), index / 2]] : [],
  )
  return { taken: unmergedLeavesAreTaken(tree), leaves }
}

async function answer({ member, do: operation, ...asked }) {
  if (operation === "meet") {
    members.set(member, await Member.named(asked.identity, asked.suite))
    return {}
  }
  if (operation === "meet external sender") {
    members.set(member, await ExternalSender.named(asked.identity, asked.suite))
    return {}
  }
  if (operation === "suites") return { suites: Object.values(ciphersuites) }
  if (operation === "examine tree") return examine(ratchetTree(asked.ratchet_tree))
  if (operation === "forget") {
    members.delete(member)
    return {}
  }
  const one = members.get(member)
  if (one === undefined || !one.operations.has(operation)) throw new RangeError(`no ${operation} of ${member}`)
  return (await one[operation](asked)) ?? {}
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply
  try {
    reply = { ok: await answer(JSON.parse(line)) }
  } catch (error) {
    reply = { error: error.constructor.name, text: error.message }
  }
  process.stdout.write(JSON.stringify(reply) + "\n")
}
