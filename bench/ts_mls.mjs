// The ts-mls side of `make bench-mls`: obeys one JSON request per line, times what it is asked to do.
//
// usage: node ts_mls.mjs FOLDER    FOLDER holds the package.json whose node_modules has ts-mls
//
// A request is {do, group, ...}, its answer {ok: ...} or {error: "..."}; bytes travel as base64. A group has
// two members that live here, its creator and the one who joined last; the others are key packages only.

import { createRequire } from "node:module"
import { resolve } from "node:path"
import { createInterface } from "node:readline"
import { pathToFileURL } from "node:url"

const require = createRequire(resolve(process.argv[2], "package.json"))
try {
  require.resolve("ts-mls")
} catch {
  console.log(JSON.stringify({ error: "ts-mls is not installed (`make bench-mls` installs it)" }))
  process.exit()
}
const mls = await import(pathToFileURL(require.resolve("ts-mls")))
const installed = require(resolve(process.argv[2], "node_modules/ts-mls/package.json"))
const { defaultClientConfig } = await import(pathToFileURL(require.resolve("ts-mls/clientConfig.js")))

// Both sides encrypt the same bytes: no padding here, no padding there.
const config = { ...defaultClientConfig, paddingConfig: { kind: "padUntilLength", padUntilLength: 0 } }
const text = new TextEncoder()
const groups = new Map()

function decode(bytes, wireformat) {
  const [message] = mls.decodeMlsMessage(bytes, 0)
  if (message.wireformat !== wireformat) throw new Error(`a ${wireformat} is wanted, not a ${message.wireformat}`)
  return message
}

async function newMember(name, suite, lifetime) {
  const credential = { credentialType: "basic", identity: text.encode(name) }
  const capabilities = {
    versions: ["mls10"],
    ciphersuites: [suite.name],
    extensions: [],
    proposals: [],
    credentials: ["basic"],
  }
  return mls.generateKeyPackage(credential, capabilities, lifetime, [], suite)
}

// One commit without a path adds everyone, so the tree of the new epoch has no parent node.
async function setup({ group, suite: name, lifetime: [notBefore, notAfter], packages }) {
  const suite = await mls.getCiphersuiteImpl(mls.getCiphersuiteFromName(name))
  const lifetime = { notBefore: BigInt(notBefore), notAfter: BigInt(notAfter) }
  const creator = await newMember("creator", suite, lifetime)
  const joiner = await newMember("joiner", suite, lifetime)
  const alone = await mls.createGroup(
    text.encode(group), creator.publicPackage, creator.privatePackage, [], suite, config,
  )
  const added = packages.map((one) => decode(Buffer.from(one, "base64"), "mls_key_package").keyPackage)
  const extraProposals = [...added, joiner.publicPackage].map((keyPackage) => ({
    proposalType: "add",
    add: { keyPackage },
  }))
  const made = await mls.createCommit(
    { state: alone, cipherSuite: suite },
    { extraProposals, ratchetTreeExtension: true },
  )
  const welcome = mls.encodeMlsMessage({ welcome: made.welcome, wireformat: "mls_welcome", version: "mls10" })
  const scene = { suite, joiner, welcome, sender: made.newState, receiver: undefined, sent: [] }
  scene.receiver = await join(scene)
  groups.set(group, scene)
  return { welcome: welcome.length }
}

function join({ suite, joiner, welcome }) {
  const message = decode(welcome, "mls_welcome")
  const { publicPackage, privatePackage } = joiner
  return mls.joinGroup(
    message.welcome, publicPackage, privatePackage, mls.emptyPskIndex, suite, undefined, undefined, config,
  )
}

async function receive(scene) {
  const message = decode(scene.sent.shift(), "mls_private_message")
  const received = await mls.processPrivateMessage(
    scene.receiver, message.privateMessage, mls.emptyPskIndex, scene.suite,
  )
  scene.receiver = received.newState
  return received
}

const operations = {
  join,
  async encrypt(scene, content) {
    const made = await mls.createApplicationMessage(scene.sender, content, scene.suite)
    scene.sender = made.newState
    scene.sent.push(
      mls.encodeMlsMessage({
        privateMessage: made.privateMessage,
        wireformat: "mls_private_message",
        version: "mls10",
      }),
    )
  },
  async decrypt(scene, content) {
    const received = await receive(scene)
    if (!Buffer.from(received.message).equals(Buffer.from(content))) throw new Error("another content came out")
  },
  async commit(scene) {
    const made = await mls.createCommit({ state: scene.sender, cipherSuite: scene.suite })
    scene.sender = made.newState
    scene.sent.push(mls.encodeMlsMessage(made.commit))
  },
  process: receive,
}

// Nanoseconds, of the wall clock or of this process's CPU time.
function clock(cpu) {
  if (!cpu) return Number(process.hrtime.bigint())
  const { user, system } = process.cpuUsage()
  return (user + system) * 1e3
}

async function run({ group, operation, times, length, cpu }) {
  const scene = groups.get(group)
  const content = new Uint8Array(length).fill(0x61)
  const seconds = []
  for (let i = 0; i < times; i++) {
    const start = clock(cpu)
    await operations[operation](scene, content)
    seconds.push((clock(cpu) - start) / 1e9)
  }
  return seconds
}

// Both members are in one epoch with equal secrets: what was timed did happen.
function agree({ group }) {
  const { sender, receiver } = groups.get(group)
  const [one, other] = [sender, receiver].map((state) => Buffer.from(state.keySchedule.epochAuthenticator))
  return one.equals(other)
}

const requests = {
  setup,
  run,
  agree,
  forget: () => groups.clear() ?? null,
  versions: () => ({ node: process.version, "ts-mls": installed.version }),
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  let answer
  try {
    answer = { ok: await requests[request.do](request) }
  } catch (error) {
    answer = { error: `${error.name}: ${error.message}` }
  }
  process.stdout.write(JSON.stringify(answer) + "\n")
}
