import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { emptyRoot } from '@sotto/protocol/merkle'
import {
  checkpointText,
  cosignatureTime,
  type NoteSigner,
  parseNote,
  parseVerifierKey,
  signNote,
  verifierKeyOf,
} from '@sotto/protocol/note'
import type { App } from '@sotto/serve/errors'
import { edgeError } from '../../src/errors.ts'
import { createWitnessApp } from '../../src/witness/app.ts'
import { openWitnessStore, type WitnessRecord, type WitnessStore } from '../../src/witness/store.ts'
import { createWitness } from '../../src/witness/witness.ts'
import { LOG_SIGNER, ORIGIN, requestBody, treeOf } from './tree.ts'

const SIGNER = { name: 'witness.example/w1', secretSeed: crypto.sha256(utf8('witness key')) }
const KEY = verifierKeyOf(SIGNER, 'cosignature-v1')

function memoryStore(): WitnessStore & { records: Map<string, WitnessRecord> } {
  const records = new Map<string, WitnessRecord>()
  return {
    records,
    read: (origin) => records.get(origin),
    write: (origin, record) => void records.set(origin, record),
    isEmpty: () => records.size === 0,
    close() {},
  }
}

let store: ReturnType<typeof memoryStore>
let now: number
let app: App

function open(on: WitnessStore, signers: readonly NoteSigner[] = [LOG_SIGNER]): App {
  const logs = signers.map((signer) => ({ origin: ORIGIN, key: verifierKeyOf(signer, 'ed25519') }))
  return createWitnessApp({
    addCheckpoint: createWitness({ logs, signer: SIGNER, store: on, now: () => now }),
    verifierKey: KEY,
  })
}

beforeEach(() => {
  store = memoryStore()
  now = 1_800_000_000
  app = open(store)
})

async function post(body: string): Promise<{ status: number; type: string | null; text: string }> {
  const response = await app(new Request('http://w/add-checkpoint', { method: 'POST', body }))
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}

test('cosigns a first checkpoint, of any size', async () => {
  const tree = treeOf(5)
  const { status, text } = await post(await tree.body(0))
  expect(status).toBe(200)
  expect(cosignatureTime(parseNote(tree.note + text), parseVerifierKey(KEY))).toBe(now)
  expect(store.records.get(ORIGIN)).toEqual({ size: 5, root: tree.root })
})

test('cosigns the empty tree', async () => {
  expect((await post(await treeOf(0).body(0))).status).toBe(200)
})

test('cosigns every extension with a proof, and the same tree again for freshness', async () => {
  await post(await treeOf(5).body(0))
  now += 60
  expect((await post(await treeOf(300).body(5))).status).toBe(200)
  now += 60
  const again = await post(await treeOf(300).body(300))
  expect(cosignatureTime(parseNote(treeOf(300).note + again.text), parseVerifierKey(KEY))).toBe(now)
})

test('a wrong old size is answered with the right one', async () => {
  await post(await treeOf(5).body(0))
  for (const oldSize of [0, 4, 6]) {
    const answer = await post(requestBody(oldSize, [], treeOf(7).note))
    expect(answer).toEqual({ status: 409, type: 'text/x.tlog.size', text: '5\n' })
  }
})

test('never goes back to a smaller tree', async () => {
  await post(await treeOf(9).body(0))
  expect((await post(await treeOf(5).body(0))).status).toBe(409)
  expect((await post(requestBody(9, [], treeOf(5).note))).status).toBe(400)
  expect(store.records.get(ORIGIN)?.size).toBe(9)
})

test('never cosigns a second tree of the same size', async () => {
  await post(await treeOf(5).body(0))
  const answer = await post(requestBody(5, [], treeOf(5, 'fork').note))
  expect(answer).toEqual({ status: 409, type: 'text/x.tlog.size', text: '5\n' })
  expect(store.records.get(ORIGIN)).toEqual({ size: 5, root: treeOf(5).root })
})

test('the tree without entries has one root', async () => {
  const text = checkpointText({ origin: ORIGIN, size: 0, root: treeOf(1).root })
  expect((await post(requestBody(0, [], signNote(text, LOG_SIGNER)))).status).toBe(422)
  expect(store.isEmpty()).toBe(true)
})

describe('a log that changes its key', () => {
  const NEXT = { name: ORIGIN, secretSeed: crypto.sha256(utf8('next log key')) }
  beforeEach(() => {
    app = open(store, [LOG_SIGNER, NEXT])
  })
  const lineOf = (note: string): string => note.slice(note.indexOf('\u2014'))

  test('is known by each of them, and by both at once', async () => {
    expect((await post(await treeOf(3).body(0))).status).toBe(200)
    expect((await post(await treeOf(5, 'honest', NEXT).body(3))).status).toBe(200)
    const both = treeOf(6).note + lineOf(treeOf(6, 'honest', NEXT).note)
    expect((await post(requestBody(5, await treeOf(6).prove(5), both))).status).toBe(200)
  })

  test('a line that says to be of one of them and is not spoils the note', async () => {
    const bad = treeOf(6).note + lineOf(treeOf(7, 'honest', NEXT).note)
    expect((await post(requestBody(0, [], bad))).status).toBe(403)
    const stranger =
      treeOf(6).note + lineOf(signNote('x\n', { name: 'other.example', secretSeed: NEXT.secretSeed }))
    expect((await post(requestBody(0, [], stranger))).status).toBe(200)
  })
})

test('lines that a log adds to its checkpoint are cosigned with it, and nothing is said about them', async () => {
  const text = `${checkpointText({ origin: ORIGIN, size: 5, root: treeOf(5).root })}more of it\n`
  const note = signNote(text, LOG_SIGNER)
  const { status, text: lines } = await post(requestBody(0, [], note))
  expect(status).toBe(200)
  expect(cosignatureTime(parseNote(note + lines), parseVerifierKey(KEY))).toBe(now)
  expect(store.records.get(ORIGIN)).toEqual({ size: 5, root: treeOf(5).root })
  // It is the tree that may not differ, whatever stands below it.
  expect((await post(requestBody(5, [], treeOf(5).note))).status).toBe(200)
  expect((await post(requestBody(5, [], treeOf(5, 'fork').note))).status).toBe(409)
})

test('never cosigns a tree that does not extend the last one', async () => {
  await post(await treeOf(5).body(0))
  const fork = treeOf(9, 'fork')
  const honest = treeOf(9)
  for (const body of [
    await fork.body(5),
    requestBody(5, await honest.prove(5), fork.note),
    requestBody(5, [], honest.note),
  ]) {
    expect((await post(body)).status).toBe(422)
  }
  expect(store.records.get(ORIGIN)?.size).toBe(5)
})

test('a first checkpoint comes with an empty proof', async () => {
  expect((await post(requestBody(0, [emptyRoot()], treeOf(5).note))).status).toBe(422)
})

test('an unknown log is 404, a known log with a foreign signature 403', async () => {
  expect((await post(await treeOf(5, 'honest', LOG_SIGNER, 'other.example').body(0))).status).toBe(404)
  const impostor = { name: ORIGIN, secretSeed: crypto.sha256(utf8('impostor')) }
  expect((await post(await treeOf(5, 'honest', impostor).body(0))).status).toBe(403)
  expect(store.isEmpty()).toBe(true)
})

test.each([
  ['nothing', ''],
  ['no note', 'old 0\n\n'],
  ['no empty line', `old 0\n${treeOf(1).note.replaceAll('\n\n', '\n')}`],
  ['a leading zero', requestBody('00', [], treeOf(1).note)],
  ['a negative size', requestBody('-1', [], treeOf(1).note)],
  ['a size beyond safe integers', requestBody('9999999999999999', [], treeOf(1).note)],
  ['an exponent', requestBody('1e3', [], treeOf(1).note)],
  ['a short hash', requestBody(1, [new Uint8Array(31)], treeOf(2).note)],
  ['a line that is no base64', `old 1\n!!\n\n${treeOf(2).note}`],
  [
    '64 proof lines',
    requestBody(
      1,
      Array.from({ length: 64 }, () => new Uint8Array(32)),
      treeOf(2).note,
    ),
  ],
  ['carriage returns', requestBody(0, [], treeOf(1).note).replaceAll('\n', '\r\n')],
])('a body with %s is malformed', async (_, body) => {
  const answer = await post(body)
  expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
    400,
    { error: { code: 'WITNESS_MALFORMED' } },
  ])
})

test('bytes that are not UTF-8, and too many of them, are refused', async () => {
  const send = async (body: Uint8Array<ArrayBuffer>): Promise<number> =>
    (await app(new Request('http://w/add-checkpoint', { method: 'POST', body }))).status
  expect(await send(Uint8Array.of(0xff))).toBe(400)
  expect(await send(new Uint8Array(80 * 1024 + 1))).toBe(413)
})

test('a clock turned back does not make a cosignature look older', async () => {
  await post(await treeOf(5).body(0))
  now -= 1000
  const { text } = await post(await treeOf(5).body(5))
  expect(cosignatureTime(parseNote(treeOf(5).note + text), parseVerifierKey(KEY))).toBe(1_800_000_000)
})

test('the key is served', async () => {
  expect(await (await app(new Request('http://w/key'))).text()).toBe(`${KEY}\n`)
})

describe.each(['not persisted', 'persisted but reported failed'] as const)('a write that is %s', (fault) => {
  test('gives no cosignature, and the log can go on', async () => {
    let isBroken = true
    const inner = memoryStore()
    app = open({
      ...inner,
      write(origin, record) {
        if (!isBroken || fault === 'persisted but reported failed') inner.write(origin, record)
        if (isBroken) throw edgeError('LOG_STORE_FAILED', 'disk trouble')
      },
    })
    const failed = await post(await treeOf(5).body(0))
    expect([failed.status, failed.text.includes('witness.example')]).toEqual([503, false])
    isBroken = false
    const size = inner.records.get(ORIGIN)?.size ?? 0
    expect(size).toBe(fault === 'not persisted' ? 0 : 5)
    expect((await post(await treeOf(5).body(size))).status).toBe(200)
    expect((await post(requestBody(5, [], treeOf(5, 'fork').note))).status).toBe(409)
  })
})

describe('the store', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-witness-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test('keeps what was cosigned across restarts', async () => {
    const file = join(folder, 'a.db')
    const first = openWitnessStore(file)
    app = open(first)
    await post(await treeOf(5).body(0))
    first.close()
    const second = openWitnessStore(file)
    app = open(second)
    expect(second.isEmpty()).toBe(false)
    expect(await post(requestBody(0, [], treeOf(5, 'fork').note))).toMatchObject({ status: 409, text: '5\n' })
    second.close()
  })

  test('is held by one process at a time', () => {
    const file = join(folder, 'b.db')
    const first = openWitnessStore(file)
    expect(() => openWitnessStore(file)).toThrow(expect.objectContaining({ code: 'STORE_IN_USE' }))
    first.close()
  })
})
