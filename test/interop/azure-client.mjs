// Microsoft's own attested-ohttp-client against a stack of `sotto up --compat azure`.
//
//   node azure-client.mjs FOLDER SOTTO RECORDING      in the directory of the running stack
//
// FOLDER is what azure-client-build.sh prints, SOTTO the sotto command.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const [folder, sotto, recording] = process.argv.slice(2)
const client = join(folder, 'ohttp-client-cli')
const run = promisify(execFile)
const { azure } = JSON.parse(readFileSync('.sotto/stack.json', 'utf8'))
const score = new URL(azure.score)
const TRANSCRIPTIONS = [
  '-p',
  '/v1/audio/transcriptions',
  '-F',
  `file=@${recording}`,
  '-F',
  'response_format=json',
]
const KMS = ['-f', azure.kms, '-k', azure.serviceFile]

const say = (text) => void process.stdout.write(`${text}\n`)

/** What the client prints, and how it ends. */
async function ask(url, args) {
  try {
    const { stdout, stderr } = await run(client, [url, ...args])
    return { code: 0, stdout, stderr }
  } catch ({ code, stdout, stderr }) {
    return { code, stdout, stderr }
  }
}

/** Passes one request on and hands the answer's bytes to `change`, which gives those that are sent, and whether it ends. */
async function between(change, use) {
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming
    const next = request(
      { host: score.hostname, port: score.port, path: url, method, headers },
      async (answer) => {
        const parts = []
        for await (const part of answer) parts.push(part)
        const { bytes, isCut = false } = change(Buffer.concat(parts))
        const { 'content-length': _length, 'transfer-encoding': _coding, ...kept } = answer.headers
        outgoing.writeHead(answer.statusCode, kept)
        if (isCut) outgoing.write(bytes, () => outgoing.destroy())
        else outgoing.end(bytes)
      },
    )
    incoming.pipe(next)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    return await use(`http://127.0.0.1:${server.address().port}/score`)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

const ours = await run(sotto, ['transcribe', recording])
const expected = ours.stdout.trim()
assert.ok(expected.length > 20, 'a transcript of our own client')

const answer = await ask(azure.score, [...TRANSCRIPTIONS, ...KMS])
assert.equal(answer.code, 0, answer.stderr)
assert.equal(JSON.parse(answer.stdout).text.trim(), expected)
say('ok: its transcript is that of our own client')

const list = (await (await fetch(new URL('/discover', azure.score))).text()).trim()
const discovered = await ask(azure.score, [...TRANSCRIPTIONS, '-c', list])
assert.equal(JSON.parse(discovered.stdout).text.trim(), expected)
say('ok: with a key of GET /discover too')

const outer = await ask(azure.score, [
  ...TRANSCRIPTIONS,
  ...KMS,
  '-O',
  'enginetarget: /v1/models',
  '-O',
  'api-key: k',
])
assert.equal(JSON.parse(outer.stdout).text.trim(), expected)
say('ok: outer headers do not choose the target')

const missing = await ask(azure.score, ['-p', '/v1/nothing', '-F', 'a=b', ...KMS])
assert.match(missing.stdout, /Request failed with status 404/)
say('ok: it hears of an error of the model by its status')

let chunks = 0
for (const place of [0, 5, 31, 34, 60, -1, -17]) {
  const { code, stdout } = await between(
    (bytes) => {
      chunks += bytes.length
      bytes[place < 0 ? bytes.length + place : place] ^= 1
      return { bytes }
    },
    (url) => ask(url, [...TRANSCRIPTIONS, ...KMS]),
  )
  assert.ok(code !== 0 && !stdout.includes(expected), `a changed byte at ${place} passed`)
}
assert.ok(chunks > 0)
say('ok: an answer changed in any of seven places is refused by it')

const desk = mkdtempSync(join(tmpdir(), 'sotto-azure-'))
const other = join(desk, 'other.pem')
const subject = ['-subj', '/CN=Sotto KMS service', '-days', '2', '-out', other, '-keyout', '/dev/null']
await run('openssl', [
  'req',
  '-x509',
  '-nodes',
  '-newkey',
  'ec',
  '-pkeyopt',
  'ec_paramgen_curve:secp384r1',
  ...subject,
])
const stranger = await ask(azure.score, [...TRANSCRIPTIONS, '-f', azure.kms, '-k', other])
assert.ok(stranger.code !== 0 && /certificate/i.test(stranger.stdout + stranger.stderr), stranger.stdout)
say('ok: it does not connect to a KMS under another certificate')

/** What their verifier says of a receipt under a certificate; their client does not look. */
async function judge(receipt, certificate) {
  writeFileSync(join(desk, 'receipt.json'), receipt)
  const { stdout } = await run(join(folder, 'examples', 'receipt'), [join(desk, 'receipt.json'), certificate])
  return stdout.trim()
}
const { stdout: published } = await run('curl', [
  '-sS',
  '--cacert',
  azure.serviceFile,
  `${azure.kms}/listpubkeys`,
])
for (const { publicKey, receipt } of JSON.parse(published)) {
  const { leaf_components: leaf, ...rest } = JSON.parse(receipt)
  assert.equal(await judge(receipt, azure.serviceFile), 'true')
  assert.equal(leaf.claims_digest, createHash('sha256').update(Buffer.from(publicKey, 'hex')).digest('hex'))
  const forged = { ...rest, leaf_components: { ...leaf, claims_digest: '00'.repeat(32) } }
  assert.equal(await judge(JSON.stringify(forged), azure.serviceFile), 'false')
}
say('ok: its verifier accepts each receipt, not a forged one, and each is about its own key')

const cut = await between(
  (bytes) => ({ bytes: bytes.subarray(0, 20), isCut: true }),
  (url) => ask(url, [...TRANSCRIPTIONS, ...KMS]),
)
say(`note: of an answer cut after its first bytes it says: exit code ${cut.code}`)
