import { existsSync, readFileSync, statSync } from 'node:fs'
import { expect, it } from 'vitest'
import { fromHex, fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import { leafHash, verifyInclusion } from '@sotto/protocol/merkle'
import { verifyCheckpoint } from '@sotto/protocol/note'
import { parseDirectory, type VerifiedIssuerKeys, verifyIssuerKeys } from '@sotto/protocol/tokens'
import { edgeError } from '../../src/errors.ts'
import { dueKeys } from '../../src/issuer/rotation.ts'
import { claim } from '../../../../test/claims.ts'
import { openAccount, openTestIssuer, order, outcome, post, type TestIssuer } from './parties.ts'

const DAY = 86_400

function published(issuer: TestIssuer): VerifiedIssuerKeys {
  return verifyIssuerKeys(parseDirectory(issuer.keys.directory!).envelope, issuer.publicKey)
}

it('publishes a directory of RFC 9578 whose every key is in a signed, logged statement', async () => {
  const issuer = await openTestIssuer()
  await issuer.keys.tick()
  const response = await issuer.app(new Request('http://i/.well-known/private-token-issuer-directory'))
  expect(response.headers.get('content-type')).toBe('application/private-token-issuer-directory')
  const bytes = await response.bytes()
  const directory = JSON.parse(fromUtf8(bytes)) as { 'token-keys': Record<string, unknown>[] }
  expect(directory).toMatchObject({
    'issuer-request-uri': '/token-request',
    'token-keys': [
      { 'token-type': 2, 'sotto-class': 'bulk' },
      { 'token-type': 2, 'sotto-class': 'standard' },
    ],
  })
  const { envelope, index, proof, checkpoint } = parseDirectory(bytes)
  const tree = verifyCheckpoint(checkpoint, {
    origin: issuer.log.origin,
    logKey: issuer.log.key,
    witnessKeys: issuer.log.witnessKeys,
    quorum: 2,
  })
  verifyInclusion(leafHash(utf8(envelope)), index, tree.size, proof.map(fromHex), tree.root)
  expect(published(issuer).keys.map(({ key }) => toHex(key.spki))).toEqual(
    directory['token-keys'].map((one) =>
      Buffer.from(one['token-key'] as string, 'base64url').toString('hex'),
    ),
  )
})

it(
  claim('T18', 'rotates with an overlap, announces before use, and never has three live keys of a class'),
  async () => {
    const issuer = await openTestIssuer({ classes: ['standard'] })
    const { secret } = openAccount(issuer, 1_000_000)
    const used = new Set<string>()
    for (let day = 0; day < 45; day++) {
      await issuer.keys.tick()
      const { keys, statement } = published(issuer)
      const live = keys.filter(({ notAfter }) => issuer.clock.now < notAfter)
      expect(live.length).toBeGreaterThanOrEqual(1)
      expect(live.length).toBeLessThanOrEqual(2)
      const key = issuer.keyOf()
      used.add(toHex(key.id))
      expect(live.map((one) => toHex(one.key.id))).toContain(toHex(key.id))
      expect(await outcome(issuer.app(post(secret, order(key, 1).body)))).toEqual([200, undefined])
      expect(statement.sequence).toBe(issuer.log.size)
      issuer.clock.now += DAY
    }
    // 14 days of life, a successor 3 days before the end.
    expect(used.size).toBe(4)
    // Private halves and charges of keys that ended are gone.
    const rows = issuer.database.db.prepare('SELECT COUNT(*) AS n FROM token_keys').get() as { n: number }
    expect(rows.n).toBeLessThanOrEqual(2)
    const charged = issuer.database.db.prepare('SELECT COUNT(DISTINCT key_id) AS n FROM charged').get() as {
      n: number
    }
    expect(charged.n).toBeLessThanOrEqual(2)
  },
)

it('a successor is announced an hour before it signs', async () => {
  const issuer = await openTestIssuer({ classes: ['standard'] })
  await issuer.keys.tick()
  const first = issuer.keyOf()
  issuer.clock.now += 11 * DAY
  await issuer.keys.tick()
  const [, next] = published(issuer).keys
  expect(next!.notBefore).toBe(issuer.clock.now + 3600)
  expect(issuer.keyOf()).toEqual(first)
  expect(() => issuer.keys.find(next!.key.id.at(-1)!)).toThrow(
    expect.objectContaining({ code: 'ISSUER_KEY_UNKNOWN' }),
  )
  issuer.clock.now += 3600
  expect(issuer.keys.find(next!.key.id.at(-1)!).key.id).toEqual(next!.key.id)
  expect(issuer.keys.find(first.id.at(-1)!).key.id).toEqual(first.id)
})

it('signs with no key before its statement is in the log, also when the log fails before or after it took it', async () => {
  const issuer = await openTestIssuer()
  const down = (): void => {
    throw edgeError('LOG_STORE_FAILED', 'the log is gone')
  }
  issuer.onAppend.before = down
  await expect(issuer.keys.tick()).rejects.toMatchObject({ code: 'LOG_STORE_FAILED' })
  expect(issuer.keys.directory).toBeUndefined()
  expect(() => issuer.keys.find(0)).toThrow(expect.objectContaining({ code: 'ISSUER_NOT_READY' }))
  issuer.onAppend.before = () => undefined
  issuer.onAppend.after = down
  await expect(issuer.keys.tick()).rejects.toMatchObject({ code: 'LOG_STORE_FAILED' })
  expect(issuer.log.size).toBe(1)
  // The process dies; the next one finds the statement in the log and makes no other.
  const next = issuer.restart()
  next.onAppend.after = () => undefined
  expect(next.keys.directory).toBeUndefined()
  await next.keys.tick()
  expect(next.log.size).toBe(1)
  expect(published(next).statement.sequence).toBe(1)
  // Published at once after another start, without the log.
  next.onAppend.before = down
  const third = next.restart()
  expect(third.keys.directory).toEqual(next.keys.directory)
  expect(third.keyOf()).toBeDefined()
})

it('plans: one key at first, its successor within the overlap, none while two live', () => {
  const plan = { classes: ['a'], lifetimeSeconds: 1000, overlapSeconds: 400 }
  const life = (notBefore: number, notAfter: number) => ({
    className: 'a',
    truncatedId: 0,
    notBefore,
    notAfter,
  })
  expect(dueKeys([], plan, 5000)).toEqual([{ className: 'a', notBefore: 4700, notAfter: 6000 }])
  expect(dueKeys([life(4700, 6000)], plan, 5599)).toEqual([])
  expect(dueKeys([life(4700, 6000)], plan, 5600)).toEqual([
    { className: 'a', notBefore: 5800, notAfter: 6600 },
  ])
  expect(dueKeys([life(4700, 6000), life(5800, 6600)], plan, 5999)).toEqual([])
  // After a long sleep with nothing left.
  expect(dueKeys([life(4700, 6000)], plan, 9000)).toEqual([
    { className: 'a', notBefore: 8700, notAfter: 10_000 },
  ])
})

it('keeps private keys to this user, and leaves nothing of one that has ended in any file', async () => {
  const issuer = await openTestIssuer({ classes: ['standard'] })
  await issuer.keys.tick()
  const files = (): Buffer[] =>
    [issuer.file, `${issuer.file}-wal`].filter((one) => existsSync(one)).map((one) => readFileSync(one))
  for (const one of [issuer.file, `${issuer.file}-wal`]) expect(statSync(one).mode & 0o777).toBe(0o600)
  const { pkcs8 } = issuer.database.db.prepare('SELECT pkcs8 FROM token_keys').get() as { pkcs8: Uint8Array }
  // The private exponent and the primes, behind the modulus.
  const secret = Buffer.from(pkcs8).subarray(-256)
  expect(files().some((bytes) => bytes.includes(secret))).toBe(true)
  issuer.clock.now += 15 * 86_400
  await issuer.keys.tick()
  expect(files().some((bytes) => bytes.includes(secret))).toBe(false)
})
