import { describe, expect, test } from 'vitest'
import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { genesisInForce, memberSigner, parseDecision, signMemberJws } from '@sotto/protocol/governance'
import { parseDsse } from '@sotto/protocol/dsse'
import { decodeDocument, documentDigest, genesisDecoder } from '@sotto/protocol/keyrelease'
import {
  encodeTokenKey,
  ISSUER_KEYS_TYPE,
  type IssuerKeys,
  NO_PREVIOUS_ISSUER_KEYS,
  signIssuerKeys,
  verifyIssuerKeys,
} from '@sotto/protocol/tokens'
import { createReceipt, decide, fakeSigner } from '@sotto/testkit'
import { claim } from '../../../../test/claims.ts'
import { parseSplitView, encodeSplitView, verifySplitView } from '../../src/monitor/index.ts'
import { nextSet, openDesk, PAYLOAD_TYPES, serve, type Desk } from './support.ts'

describe('a log that keeps something back', () => {
  /** Answers some paths as the log's operator likes. */
  function withhold(desk: Desk, isHidden: (path: string) => boolean, status: number): void {
    const honest = serve(desk.served)
    desk.fetch = async (input, init) =>
      isHidden(new URL(input as URL).pathname) ? new Response(null, { status }) : honest(input, init)
  }

  test('an entry it says it does not have is an alert at once, and is judged when it is there', async () => {
    const desk = await openDesk()
    desk.log(
      PAYLOAD_TYPES.keySet,
      { ...desk.keySet, issuedAt: desk.keySet.issuedAt + 1 },
      desk.world.signers.kms,
    )
    withhold(desk, (path) => path.includes('/entries/'), 404)
    expect(await desk.codes()).toEqual(['LOG_UNPROVEN'])
    withhold(desk, () => false, 404)
    expect(await desk.codes()).toEqual(['KEY_SET_DUPLICATE'])
  })

  test('two histories are no secret where it hides the hashes between them', async () => {
    const desk = await openDesk()
    await desk.round()
    const fork = desk.world.log.fork(2)
    for (let i = 0; i < 12; i++) fork.append(utf8(`other ${i}`))
    desk.served.log = fork
    withhold(desk, (path) => path.includes('/tile/'), 404)
    expect(await desk.codes()).toEqual(['LOG_UNPROVEN'])
    expect(verifySplitView(parseSplitView(encodeSplitView(desk.views[0]!))).status).toBe('undecided')
  })

  test.each(['/checkpoint', '/tile/entries/'])('%s that never answers becomes an alert', async (path) => {
    const desk = await openDesk()
    await desk.round()
    desk.world.log.append(utf8('something'))
    withhold(desk, (one) => one.includes(path), 503)
    let now = desk.world.now
    desk.options.now = () => now
    const silent = async (): Promise<string[]> => {
      const before = desk.alerts.length
      await expect(desk.round()).rejects.toMatchObject({ code: 'LOG_UNREADABLE' })
      return desk.alerts.slice(before).map(({ code }) => code)
    }
    now += 3600
    desk.served.time = now - 30
    expect(await silent()).toEqual([])
    now += 1
    expect(await silent()).toEqual(['LOG_SILENT'])
    withhold(desk, () => false, 503)
    expect([await desk.codes(), await desk.codes()]).toEqual([[], []])
  })

  test('a monitor that never got an answer says so too', async () => {
    const desk = await openDesk()
    withhold(desk, () => true, 503)
    await expect(desk.round()).rejects.toMatchObject({ code: 'LOG_UNREADABLE' })
    const { now } = desk.options
    desk.options.now = () => now() + 3601
    await expect(desk.round()).rejects.toMatchObject({ code: 'LOG_UNREADABLE' })
    expect(desk.alerts.map(({ code }) => code)).toEqual(['LOG_SILENT'])
  })

  test('a fork that grows without end fills no disk', async () => {
    const desk = await openDesk()
    await desk.round()
    const fork = desk.world.log.fork(2)
    desk.served.log = fork
    for (let round = 0; round < 30; round++) {
      fork.append(utf8(`other ${round}`))
      expect(await desk.codes()).toHaveLength(1)
    }
    expect(desk.views.length).toBeLessThanOrEqual(16)
    expect(desk.views.map((view) => verifySplitView(view).status)).toContain('proven')
  })
})

describe('keys that are released', () => {
  test(claim('T4', 'keys of an epoch that is over are an alert: they were to be destroyed'), async () => {
    const desk = await openDesk()
    const second = nextSet(desk.keySet)
    desk.log(PAYLOAD_TYPES.keySet, second, desk.world.signers.kms)
    // On its way when the next set was logged.
    await createReceipt(desk.world)
    expect(await desk.codes()).toEqual([])
    desk.log(PAYLOAD_TYPES.keySet, nextSet(second), desk.world.signers.kms)
    await createReceipt(desk.world)
    expect(await desk.codes()).toEqual(['RECEIPT_MISMATCH'])
  })

  test('while a member holds the release, until members end the hold', async () => {
    const desk = await openDesk()
    const { world } = desk
    const { member, kms } = world.signers
    const hold = (by: typeof member, sequence: number, previous: string, createdAt: number): string => {
      const document = { version: 1 as const, genesis: world.genesisDigest, reason: 'stop', createdAt }
      const jws = signMemberJws('hold', document, memberSigner('EdDSA', by.secretSeed))
      const record = {
        version: 1,
        genesis: world.genesisDigest,
        sequence,
        previous,
        entry: { type: 'hold', jws },
      }
      desk.log(PAYLOAD_TYPES.governance, record, kms)
      held = { id: crypto.sha256(utf8(jws.slice(0, jws.lastIndexOf('.')))), record: documentDigest(record) }
      return held.record
    }
    let held: { id: Uint8Array; record: string } | undefined
    const first = hold(fakeSigner(), 1, '0'.repeat(64), world.now - 1000)
    await createReceipt(world)
    // Somebody who is no member stops nothing.
    expect(await desk.codes()).toEqual([])
    hold(member, 2, first, world.now - 1000)
    await createReceipt(world)
    expect(await desk.codes()).toEqual(['RECEIPT_HELD'])
    const before = parseDecision(utf8(world.bundle.policy.envelope))
    const genesis = decodeDocument(
      parseDsse(utf8(world.bundle.genesis.envelope)).payload,
      genesisDecoder,
      'genesis',
    )
    world.log.append(
      decide({
        inForce: genesisInForce(genesis, world.genesisDigest),
        kind: 'resume',
        body: { hold: Buffer.from(held!.id).toString('hex') },
        voters: [member],
        kms,
        now: world.now,
        sequence: before.decision.sequence + 1,
        previous: before.digest,
      }),
    )
    await createReceipt(world)
    expect(await desk.codes()).toEqual([])
  })
})

describe('token issuers', () => {
  const DAY = 86_400
  type Keys = IssuerKeys['classes'][0]['keys']
  const key = (at: number, days = 14): Keys[0] => {
    const modulus = crypto.randomBytes(256)
    modulus[0]! |= 0x80
    modulus[255]! |= 1
    return { key: toBase64Url(encodeTokenKey(modulus)), notBefore: at, notAfter: at + days * DAY }
  }
  /** An issuer whose statements are logged one after the other. */
  async function watched() {
    const desk = await openDesk()
    const signer = fakeSigner()
    desk.options.expect = { ...desk.options.expect, issuerKeys: [toBase64Url(signer.publicKey)] }
    let last = { sequence: 0, previous: NO_PREVIOUS_ISSUER_KEYS }
    function publish(keys: Keys, change: Partial<IssuerKeys> = {}): void {
      const statement: IssuerKeys = {
        version: 1,
        issuer: 'issuer.example',
        sequence: last.sequence + 1,
        previous: last.previous,
        issuedAt: desk.world.now,
        classes: [{ name: 'standard', keys }],
        ...change,
      }
      const envelope = signIssuerKeys(statement, signer)
      desk.world.log.append(utf8(envelope))
      const { digest } = verifyIssuerKeys(envelope, signer.publicKey)
      last = { sequence: statement.sequence, previous: digest }
    }
    return { desk, publish, signer, now: desk.world.now }
  }

  test(claim('T18', 'an issuer with more than two live keys of a class is seen in the log'), async () => {
    const { desk, publish, now } = await watched()
    const [a, b, c] = [key(now), key(now + 11 * DAY), key(now + 22 * DAY)]
    publish([a])
    publish([a, b])
    publish([b, c])
    expect(await desk.codes()).toEqual([])
    // One more, in a statement that nobody but one client may have been shown.
    publish([b, key(now + 23 * DAY)])
    expect(await desk.codes()).toEqual(['ISSUER_KEYS_TOO_MANY'])
    // Lives of minutes hide nobody.
    const short = (at: number): Keys[0] => ({ ...key(at), notAfter: at + 200 })
    publish([short(now + 40 * DAY), short(now + 40 * DAY)])
    expect(await desk.codes()).toEqual([])
    publish([short(now + 40 * DAY)])
    expect(await desk.codes()).toEqual(['ISSUER_KEYS_TOO_MANY'])
    // After a sleep with no key left, the first one begins a little earlier than it is made.
    publish([key(now + 50 * DAY - 300)])
    publish([key(now + 64 * DAY - 600)])
    expect(await desk.codes()).toEqual([])
  })

  test('a second version, a missing statement, a key that changes', async () => {
    const { desk, publish, signer, now } = await watched()
    const a = key(now)
    publish([a])
    publish([key(now)], { sequence: 1, previous: NO_PREVIOUS_ISSUER_KEYS })
    expect(await desk.codes()).toEqual(['ISSUER_KEYS_FORK'])
    publish([a], { sequence: 7, previous: 'ab'.repeat(32) })
    expect(await desk.codes()).toEqual(['ISSUER_KEYS_GAP'])
    publish([{ ...a, notAfter: a.notAfter + 1 }])
    expect(await desk.codes()).toEqual(['ISSUER_KEYS_FORK'])
    desk.log(ISSUER_KEYS_TYPE, { version: 1 }, signer)
    desk.log(ISSUER_KEYS_TYPE, { version: 1 }, fakeSigner())
    expect(await desk.codes()).toEqual(['ISSUER_KEYS_MALFORMED'])
  })
})
