import { beforeAll, expect, it } from 'vitest'
import { proveConsistency, verifyConsistency } from '@sotto/protocol/merkle'
import { verifyCheckpoint } from '@sotto/protocol/note'
import { parseDirectory, parseTokenKey, signIssuerKeys, verifyIssuerKeys } from '@sotto/protocol/tokens'
import { crypto } from '@sotto/protocol/crypto-backend'
import { fromBase64Url, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { createIssuerKeySource, type IssuerKeySource } from '../../../src/gateway/tokens/index.ts'
import { claim } from '../../../../../test/claims.ts'
import { generateTokenKey } from '../../../../edge/src/issuer/blind-sign.ts'
import { openTestIssuer, type TestIssuer } from '../../../../edge/test/issuer/parties.ts'

const newKey = async (): Promise<string> => toBase64Url((await generateTokenKey()).key.spki)
const refused = (code: string) => expect.objectContaining({ code }) as unknown

/** A source that reads a directory from the test's hands and looks at the log of the issuer. */
function sourceOf(
  issuer: TestIssuer,
  change: { directory?: () => Uint8Array; key?: Uint8Array; name?: string } = {},
): IssuerKeySource {
  const requirements = {
    origin: issuer.log.origin,
    logKey: issuer.log.key,
    witnessKeys: issuer.log.witnessKeys,
    quorum: 2,
  }
  const verifyNote = (note: string) => ({ ...verifyCheckpoint(note, requirements), note })
  return createIssuerKeySource({
    url: 'http://issuer.example',
    name: change.name ?? 'issuer.example',
    issuerKey: change.key ?? issuer.publicKey,
    fetch: async (input) => {
      expect(String(input)).toBe('http://issuer.example/.well-known/private-token-issuer-directory')
      const bytes = change.directory?.() ?? issuer.keys.directory
      return new Response((bytes ?? null) as BodyInit, { status: bytes === undefined ? 503 : 200 })
    },
    now: () => issuer.clock.now,
    log: {
      verifyNote,
      latest: async () => verifyNote(await issuer.log.checkpoint({ time: issuer.clock.now })),
      async proveConsistency(older, newer) {
        const proof = await proveConsistency(older.size, newer.size, issuer.log.readTile)
        verifyConsistency(older.size, older.root, newer.size, newer.root, proof)
        return proof
      },
    },
  })
}

let other: Uint8Array
beforeAll(() => void (other = crypto.ed25519.generate().publicKey))

it('takes keys that are signed, logged and newer, and follows a rotation', async () => {
  const issuer = await openTestIssuer({ classes: ['standard'] })
  const source = sourceOf(issuer)
  await expect(source.refresh()).rejects.toEqual(refused('LOG_UNREACHABLE'))
  await issuer.keys.tick()
  const first = issuer.keyOf()
  expect(source.find(first.id)).toBeUndefined()
  await source.refresh()
  expect(source.find(first.id)).toMatchObject({ className: 'standard' })
  const old = issuer.keys.directory!
  issuer.clock.now += 11 * 86_400
  await issuer.keys.tick()
  await source.refresh()
  issuer.clock.now += 3600
  expect(source.find(issuer.keyOf().id)).toBeDefined()
  expect(source.find(first.id)).toBeDefined()
  // The one before, again: refused, and nothing changes.
  const turnedBack = sourceOf(issuer, { directory: () => (isBack ? old : issuer.keys.directory!) })
  let isBack = false
  await turnedBack.refresh()
  isBack = true
  await expect(turnedBack.refresh()).rejects.toEqual(refused('TOKEN_MALFORMED'))
  expect(turnedBack.find(first.id)).toBeDefined()
})

it('knows for 90 seconds after an answer which keys there are', async () => {
  const issuer = await openTestIssuer({ classes: ['standard'] })
  let isReachable = true
  const source = sourceOf(issuer, {
    directory() {
      if (isReachable) return issuer.keys.directory!
      throw new TypeError('connection refused')
    },
  })
  expect(source.isCurrent()).toBe(false)
  await issuer.keys.tick()
  await source.refresh()
  issuer.clock.now += 90
  expect(source.isCurrent()).toBe(true)
  issuer.clock.now += 1
  expect(source.isCurrent()).toBe(false)
  // The same statement, once more: that is news too.
  await source.refresh()
  expect(source.isCurrent()).toBe(true)
  issuer.clock.now += 91
  isReachable = false
  await expect(source.refresh()).rejects.toEqual(refused('LOG_UNREACHABLE'))
  expect(source.isCurrent()).toBe(false)
})

it(
  claim('T12', 'a key whose end was changed is not taken: tokens spent under it could be spent again'),
  async () => {
    const issuer = await openTestIssuer({ classes: ['standard'] })
    await issuer.keys.tick()
    // An issuer of the test's own, with the same key and log: it signs and logs what it likes.
    const { seed: secretSeed, publicKey } = crypto.ed25519.generate()
    const { statement } = verifyIssuerKeys(parseDirectory(issuer.keys.directory!).envelope, issuer.publicKey)
    const [published] = statement.classes[0]!.keys
    const other = { ...published!, key: await newKey() }
    let served: Uint8Array
    let previous = statement.previous
    let sequence = 0
    async function publish(keys: (typeof published)[]): Promise<void> {
      const classes = [{ name: 'standard', keys: keys as NonNullable<typeof published>[] }]
      const next = { ...statement, classes, sequence: ++sequence, previous }
      const envelope = signIssuerKeys(next, { secretSeed, publicKey })
      issuer.log.append(utf8(envelope))
      previous = toHex(crypto.sha256(utf8(envelope)))
      const checkpoint = await issuer.log.checkpoint({ time: issuer.clock.now })
      const logged = { ...(await issuer.log.prove(utf8(envelope))), checkpoint }
      served = utf8(JSON.stringify({ 'sotto-issuer-keys': logged }))
    }
    const source = sourceOf(issuer, { key: publicKey, directory: () => served })
    const id = parseTokenKey(fromBase64Url(published!.key)).id
    await publish([published!])
    await source.refresh()
    for (const by of [1, -1, 86_400]) {
      await publish([{ ...published!, notAfter: published!.notAfter + by }, other])
      await expect(source.refresh()).rejects.toEqual(refused('TOKEN_MALFORMED'))
      expect(source.find(id)).toMatchObject({ notAfter: published!.notAfter })
      // All or nothing.
      expect(source.find(parseTokenKey(fromBase64Url(other.key)).id)).toBeUndefined()
    }
    // Also by way of a statement that does not name it; with its own end it may come back.
    await publish([other])
    await source.refresh()
    expect(source.find(id)).toBeUndefined()
    await publish([{ ...published!, notAfter: published!.notAfter + 86_400 }, other])
    await expect(source.refresh()).rejects.toEqual(refused('TOKEN_MALFORMED'))
    await publish([published!, other])
    await source.refresh()
    expect(source.find(id)).toMatchObject({ notAfter: published!.notAfter })
  },
)

it('refuses another signer, another issuer, keys that are not logged, and a log with two faces', async () => {
  const issuer = await openTestIssuer({ classes: ['standard'] })
  await issuer.keys.tick()
  await expect(sourceOf(issuer, { key: other }).refresh()).rejects.toEqual(refused('DSSE_SIGNATURE'))
  await expect(sourceOf(issuer, { name: 'other.example' }).refresh()).rejects.toEqual(
    refused('TOKEN_MALFORMED'),
  )

  // A second, signed statement for one gateway alone: its place in the log is another entry's.
  const { seed: secretSeed, publicKey } = crypto.ed25519.generate()
  const logged = parseDirectory(issuer.keys.directory!)
  const { statement } = verifyIssuerKeys(logged.envelope, issuer.publicKey)
  const envelope = signIssuerKeys(statement, { secretSeed, publicKey })
  const directory = (change: object): Uint8Array =>
    utf8(JSON.stringify({ 'sotto-issuer-keys': { ...logged, ...change } }))
  await expect(
    sourceOf(issuer, { key: publicKey, directory: () => directory({ envelope }) }).refresh(),
  ).rejects.toEqual(refused('MERKLE_INCLUSION'))
  // Logged, with all signatures, but in a history nobody else sees.
  const fork = issuer.log.fork(0)
  fork.append(utf8(envelope))
  const forked = {
    ...(await fork.prove(utf8(envelope))),
    checkpoint: await fork.checkpoint({ time: issuer.clock.now }),
  }
  await expect(
    sourceOf(issuer, { key: publicKey, directory: () => directory(forked) }).refresh(),
  ).rejects.toEqual(refused('MERKLE_CONSISTENCY'))
  // A checkpoint with too few witnesses.
  const lonely = { checkpoint: await issuer.log.checkpoint({ time: issuer.clock.now, witnesses: 1 }) }
  await expect(sourceOf(issuer, { directory: () => directory(lonely) }).refresh()).rejects.toEqual(
    refused('NOTE_QUORUM'),
  )
})
