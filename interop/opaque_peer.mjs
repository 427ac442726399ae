// A process that is one side of OPAQUE by @serenity-kit/opaque, or both: one JSON object per line on standard
// input names a function of the library and its arguments, one line on standard output is what it returns.
//
//   {"side": "client", "do": "startLogin", "with": {"password": "..."}}  ->  {"ok": {"startLoginRequest": "...", ...}}

import { createInterface } from "node:readline"
import { client, ready, server } from "@serenity-kit/opaque"

const sides = { client, server }
await ready

for await (const line of createInterface({ input: process.stdin })) {
  const { side, do: operation, with: asked } = JSON.parse(line)
  let reply
  try {
    reply = { ok: sides[side][operation](asked) ?? null }
  } catch (error) {
    reply = { error: error.constructor.name, text: error.message }
  }
  process.stdout.write(JSON.stringify(reply) + "\n")
}
