import { execFile, type ExecFileException, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { fileTokenShelf } from '../../src/node/index.ts'
import type { BoughtToken } from '../../src/tokens/issuer.ts'
import type { TokenShelf } from '../../src/tokens/shelf.ts'

const WORKER = join(import.meta.dirname, 'shelf-worker.ts')
let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-shelf-'))
  file = join(folder, 'state', 'tokens.json')
})
afterEach(() => rmSync(folder, { recursive: true }))

const newToken = (): BoughtToken => ({
  notAfter: 2_000_000_000,
  token: {
    nonce: crypto.randomBytes(32),
    challengeDigest: crypto.randomBytes(32),
    keyId: crypto.randomBytes(32),
    authenticator: crypto.randomBytes(256),
  },
})
const nonces = (tokens: readonly BoughtToken[]): string[] => tokens.map(({ token }) => toHex(token.nonce))
async function fill(shelf: TokenShelf, count: number): Promise<string[]> {
  const added = Array.from({ length: count }, newToken)
  await shelf.update((tokens) => [...tokens, ...added])
  return nonces(added)
}
async function listed(shelf: TokenShelf = fileTokenShelf(file)): Promise<string[]> {
  let all: string[] = []
  await shelf.update((tokens) => {
    all = nonces(tokens)
    return tokens
  })
  return all
}
/** What a process of its own says; `limit` is what the shell does before. */
function runWorker(task: string, limit = ':'): Promise<string[]> {
  const { promise, resolve, reject } = Promise.withResolvers<string[]>()
  const command = `${limit}; exec "$0" "$@"`
  const done = (error: ExecFileException | null, stdout: string): void =>
    error ? reject(error) : resolve(stdout.split('\n').filter(Boolean))
  execFile('bash', ['-c', command, process.execPath, WORKER, file, task], done)
  return promise
}
/** A process that said one line and stopped is killed. */
async function killWhile(task: string): Promise<string> {
  const child = spawn(process.execPath, [WORKER, file, task], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  child.kill('SIGKILL')
  await once(child, 'close')
  return line.toString().trim()
}

it('keeps tokens for the next process, whole and private', async () => {
  const added = await fill(fileTokenShelf(file), 3)
  expect(await listed()).toEqual(added)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(statSync(join(folder, 'state')).mode & 0o777).toBe(0o700)
  expect(readdirSync(join(folder, 'state')).sort()).toEqual(['tokens.json', 'tokens.json.lock'])
  expect(statSync(`${file}.lock`).size).toBe(0)
})

it('gives no token to two of several processes, and each to one', { timeout: 60_000 }, async () => {
  const added = await fill(fileTokenShelf(file), 40)
  const taken = await Promise.all(Array.from({ length: 3 }, () => runWorker('take all')))
  expect(taken.flat().sort()).toEqual(added.sort())
  expect(await listed()).toEqual([])
})

it('many changes of one process happen one after the other, through whatever instance', async () => {
  const shelves = Array.from({ length: 4 }, () => fileTokenShelf(file))
  const added = await Promise.all(shelves.flatMap((shelf) => [fill(shelf, 2), fill(shelf, 2)]))
  expect((await listed()).sort()).toEqual(added.flat().sort())
})

it(
  'a process killed between taking and using: its token is not offered again',
  { timeout: 60_000 },
  async () => {
    const added = await fill(fileTokenShelf(file), 3)
    const used = await killWhile('take one and stop')
    expect(added).toContain(used)
    expect(await listed()).toEqual(added.filter((one) => one !== used))
  },
)

it('a process killed while it takes leaves the shelf as it was, and nobody waits for it', async () => {
  const added = await fill(fileTokenShelf(file), 3)
  expect(added).toContain(await killWhile('stop while taking'))
  expect(await listed(fileTokenShelf(file, { waitMs: 0 }))).toEqual(added)
})

it('waits for another process, for so long', async () => {
  await fill(fileTokenShelf(file), 1)
  const child = spawn(process.execPath, [WORKER, file, 'stop while taking'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  await expect(fill(fileTokenShelf(file, { waitMs: 20 }), 1)).rejects.toMatchObject({
    code: 'STORAGE_INVALID',
  })
  const waits = fill(fileTokenShelf(file), 1)
  child.kill('SIGKILL')
  await waits
  expect(await listed()).toHaveLength(2)
})

it('where nothing can be written, no token leaves the shelf', { timeout: 60_000 }, async () => {
  // Twenty tokens are more than the one block a file may have here.
  const added = await fill(fileTokenShelf(file), 20)
  expect(await runWorker('take one', 'ulimit -f 1')).toEqual(['failed EFBIG'])
  expect(await listed()).toEqual(added)
  expect(readdirSync(join(folder, 'state')).sort()).toEqual(['tokens.json', 'tokens.json.lock'])
  expect(await runWorker('take one')).toEqual([added[0]])
})

it.each(['{', '[{}]', '[{"token":"AA","notAfter":1}]', '\u0000'.repeat(512), 'half'])(
  'puts a damaged shelf aside and uses nothing of it: %j',
  async (damage) => {
    await fill(fileTokenShelf(file), 2)
    const text = damage === 'half' ? readFileSync(file, 'utf8').slice(0, -300) : damage
    writeFileSync(file, text)
    const asides: string[] = []
    const shelf = fileTokenShelf(file, { onDamaged: (path) => asides.push(path) })
    expect(await listed(shelf)).toEqual([])
    expect(asides).toEqual([`${file}.damaged`])
    expect(readFileSync(asides[0]!, 'utf8')).toBe(text)
    expect(await fill(shelf, 1)).toEqual(await listed())
  },
)
