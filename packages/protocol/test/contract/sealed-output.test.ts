import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, toBase64Url, utf8 } from '../../src/bytes/index.ts'
import {
  encodeOutputMetadata,
  openOutputKey,
  outputDigest,
  requireOutput,
  type SealedOutput,
  signSealedOutput,
  verifySealedOutput,
  wrapOutputKeys,
} from '../../src/contract/index.ts'
import { crypto } from '../../src/crypto-backend/index.ts'
import { parseDsse, signDsse } from '../../src/dsse/index.ts'
import { WRAP_SUITE } from '../../src/keyrelease/index.ts'

const seed = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const room = { secretSeed: seed(1), publicKey: crypto.ed25519.importPrivate(seed(1)).publicKey }
const receiptKey = toBase64Url(room.publicKey)
const keys = { bank: WRAP_SUITE.kem.importPrivate(seed(2)), shop: WRAP_SUITE.kem.importPrivate(seed(3)) }
const partyOf = (name: keyof typeof keys) => ({
  name,
  key: toBase64Url(seed(9)),
  sealTo: toBase64Url(keys[name].publicKey),
})
const CONTENT_KEY = seed(7)
const SALT = seed(8)
const CONTENT = utf8('n\n42\n')
const RUN = '33'.repeat(32)
const OF = {
  genesis: '11'.repeat(32),
  contract: '22'.repeat(32),
  run: RUN,
  output: 'offers',
  artifact: '44'.repeat(16),
}

function sealedOutput(
  receivers: (keyof typeof keys)[] = ['shop'],
  change: Partial<SealedOutput> = {},
): SealedOutput {
  return {
    format: 'sotto-room-output/1',
    ...OF,
    digest: outputDigest(SALT, [CONTENT]),
    bytes: CONTENT.length,
    sealed: '55'.repeat(32),
    keys: wrapOutputKeys(OF, receivers.map(partyOf), CONTENT_KEY),
    ...change,
  }
}

const metadata = (change: object = {}): string =>
  encodeOutputMetadata({
    format: 'sotto-room-output-content/1',
    run: RUN,
    output: 'offers',
    salt: toBase64Url(SALT),
    ...change,
  })

describe('a sealed output', () => {
  it('is opened by each receiver, and by nobody else', () => {
    const sealed = sealedOutput(['bank', 'shop'])
    expect(openOutputKey(sealed, 'bank', keys.bank)).toEqual(CONTENT_KEY)
    expect(openOutputKey(sealed, 'shop', keys.shop)).toEqual(CONTENT_KEY)
    expect(() => openOutputKey(sealed, 'shop', keys.bank)).toThrow(
      expect.objectContaining({ code: 'WRAP_FAILED' }),
    )
    expect(() => openOutputKey(sealedOutput(['shop']), 'bank', keys.bank)).toThrow(
      expect.objectContaining({ code: 'CONTRACT_PARTY' }),
    )
  })

  it.each(['genesis', 'contract', 'run', 'output', 'artifact'] as const)(
    'its key is of this %s alone',
    (member) => {
      const other = member === 'output' ? 'other' : '0'.repeat(OF[member].length)
      expect(() => openOutputKey(sealedOutput(['shop'], { [member]: other }), 'shop', keys.shop)).toThrow(
        expect.objectContaining({ code: 'WRAP_FAILED' }),
      )
    },
  )

  it('a key wrapped for one receiver does not pass for another one’s', () => {
    const sealed = sealedOutput(['bank', 'shop'])
    const [bank, shop] = sealed.keys
    const swapped = {
      ...sealed,
      keys: [
        { ...shop!, party: 'bank' },
        { ...bank!, party: 'shop' },
      ],
    }
    for (const party of ['bank', 'shop'] as const)
      expect(() => openOutputKey(swapped, party, keys[party])).toThrow(
        expect.objectContaining({ code: 'WRAP_FAILED' }),
      )
  })

  it('is signed by the room of its run', () => {
    const sealed = sealedOutput()
    const envelope = signSealedOutput(sealed, room)
    expect(verifySealedOutput(envelope, { run: RUN, receiptKey })).toEqual(sealed)
    const stranger = toBase64Url(crypto.ed25519.importPrivate(seed(6)).publicKey)
    expect(() => verifySealedOutput(envelope, { run: RUN, receiptKey: stranger })).toThrow(
      expect.objectContaining({ code: 'CONTRACT_SIGNATURE' }),
    )
    expect(() => verifySealedOutput(envelope, { run: '00'.repeat(32), receiptKey })).toThrow(
      expect.objectContaining({ code: 'CONTRACT_OTHER' }),
    )
  })

  it('is signed by its room alone', () => {
    const stranger = { secretSeed: seed(6), publicKey: crypto.ed25519.importPrivate(seed(6)).publicKey }
    const { payload, payloadType } = parseDsse(utf8(signSealedOutput(sealedOutput(), room)))
    const both = fromUtf8(signDsse(payloadType, payload, [room, stranger]))
    expect(() => verifySealedOutput(both, { run: RUN, receiptKey })).toThrow(
      expect.objectContaining({ code: 'CONTRACT_SIGNATURE' }),
    )
  })

  it('no changed byte of its statement passes', () => {
    const envelope = signSealedOutput(sealedOutput(), room)
    fc.assert(
      fc.property(fc.nat(envelope.length - 1), fc.integer({ min: 33, max: 126 }), (at, code) => {
        const changed = envelope.slice(0, at) + String.fromCodePoint(code) + envelope.slice(at + 1)
        fc.pre(changed !== envelope)
        expect(() => verifySealedOutput(changed, { run: RUN, receiptKey })).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^CONTRACT_/) as string }),
        )
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['another content', CONTENT.slice(1), metadata()],
    ['a longer one', utf8('n\n42\n\n'), metadata()],
    ['another salt', CONTENT, metadata({ salt: toBase64Url(seed(1)) })],
    ['another run', CONTENT, metadata({ run: '00'.repeat(32) })],
    ['another output', CONTENT, metadata({ output: 'other' })],
  ])('%s is not the output that was stated', (_, content, inside) => {
    expect(() => requireOutput(inside, content, sealedOutput())).toThrow(
      expect.objectContaining({ code: 'CONTRACT_OTHER' }),
    )
  })

  it('the output that was stated is, and junk is named', () => {
    requireOutput(metadata(), CONTENT, sealedOutput())
    for (const junk of ['', '{}', metadata({ more: 1 })])
      expect(() => requireOutput(junk, CONTENT, sealedOutput())).toThrow(
        expect.objectContaining({ code: 'CONTRACT_MALFORMED' }),
      )
    expect(() => verifySealedOutput('junk', { run: RUN, receiptKey })).toThrow(
      expect.objectContaining({ code: 'CONTRACT_MALFORMED' }),
    )
  })

  it('its digest says nothing without the salt', () => {
    expect(outputDigest(seed(1), [CONTENT])).not.toBe(outputDigest(seed(2), [CONTENT]))
    expect(outputDigest(SALT, [CONTENT.slice(0, 2), CONTENT.slice(2)])).toBe(outputDigest(SALT, [CONTENT]))
  })
})
