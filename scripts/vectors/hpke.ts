import { fromHex, toHex } from '@sotto/protocol/bytes'
import {
  HPKE_AEAD,
  HPKE_KEM,
  type HpkeOpener,
  type HpkeSealer,
  HpkeSuite,
  type InsecureFixedRandomness,
  kemById,
} from '@sotto/protocol/hpke'
import { expectHex, expectRefused, perFile, unknownShape, type VectorFamily } from './harness.ts'

/** Fields of one vector of RFC 9180 Appendix A and of draft-ietf-hpke-pq, all hexadecimal. */
interface HpkeVector {
  mode: number
  kem_id: number
  kdf_id: number
  aead_id: number
  info: string
  ikmR: string
  ikmE?: string
  ikmS?: string
  skRm: string
  skEm?: string
  skSm?: string
  pkRm: string
  pkEm?: string
  pkSm?: string
  psk?: string
  psk_id?: string
  enc: string
  shared_secret: string
  key: string
  base_nonce: string
  exporter_secret: string
  encryptions: { aad: string; ct: string; nonce: string; pt: string }[]
  exports: { exporter_context: string; L: number; exported_value: string }[]
}

/** HPKE: every field of every vector is reproduced by the sender and by the recipient. */
export const hpke: VectorFamily = perFile('transport/hpke', function* (file) {
  const vectors: unknown = JSON.parse(file.text)
  if (!Array.isArray(vectors)) return yield unknownShape('a file that is no list of HPKE vectors')
  for (const [index, vector] of vectors.entries()) {
    if (!isHpkeVector(vector)) yield unknownShape(`vector ${index} of ${file.name}`)
    else yield* cases(index, vector)
  }
})

function isHpkeVector(value: unknown): value is HpkeVector {
  const fields = [
    'mode',
    'kem_id',
    'kdf_id',
    'aead_id',
    'info',
    'skRm',
    'enc',
    'key',
    'encryptions',
    'exports',
  ]
  return typeof value === 'object' && value !== null && fields.every((field) => field in value)
}

function* cases(index: number, v: HpkeVector): Generator<[string, () => void]> {
  const title = `${index}: mode ${v.mode} kem ${hex(v.kem_id)} kdf ${hex(v.kdf_id)} aead ${hex(v.aead_id)}`
  yield [`${title} keys`, () => checkKeys(v)]
  yield [`${title} key schedule`, () => checkKeySchedule(v)]
  // Contexts are shared by the cases below, because sequence numbers count up.
  let contexts: ReturnType<typeof setUp> | undefined
  const get = (): ReturnType<typeof setUp> => (contexts ??= setUp(v))
  let sequence = 0
  for (const [i, encryption] of v.encryptions.entries()) {
    yield [
      `${title} encryption ${i}`,
      () => {
        const { sender, recipient } = get()
        // Files may leave sequence numbers out: the nonce tells how many.
        const wanted = sequenceOf(v, encryption.nonce)
        for (; sequence < wanted; sequence++) recipient.open(EMPTY, sender.seal(EMPTY, EMPTY))
        const [aad, pt, ct] = [fromHex(encryption.aad), fromHex(encryption.pt), fromHex(encryption.ct)]
        expectHex('ct', sender.seal(aad, pt), encryption.ct)
        const forged = new Uint8Array(ct)
        forged[index % forged.length]! ^= 1
        expectRefused('forged ct', () => recipient.open(aad, forged), 'CRYPTO_OPEN_FAILED')
        expectHex('pt', recipient.open(aad, ct), encryption.pt)
        sequence++
      },
    ]
  }
  for (const [i, one] of v.exports.entries()) {
    yield [
      `${title} export ${i}`,
      () => {
        const { sender, recipient } = get()
        expectHex('sender', sender.export(fromHex(one.exporter_context), one.L), one.exported_value)
        expectHex('recipient', recipient.export(fromHex(one.exporter_context), one.L), one.exported_value)
      },
    ]
  }
  if (v.aead_id === HPKE_AEAD.EXPORT_ONLY) {
    yield [
      `${title} refuses to seal`,
      () => expectRefused('seal', () => get().sender.seal(EMPTY, EMPTY), 'HPKE_UNSUPPORTED'),
    ]
  }
}

const EMPTY = new Uint8Array(0)

function checkKeys(v: HpkeVector): void {
  const kem = kemById(v.kem_id)
  const recipient = kem.derive(fromHex(v.ikmR))
  expectHex('skRm', scalar(v, recipient.export()), toHex(scalar(v, fromHex(v.skRm))))
  expectHex('pkRm', recipient.publicKey, v.pkRm)
  expectHex('pkRm of skRm', kem.importPrivate(fromHex(v.skRm)).publicKey, v.pkRm)
  if (v.ikmS !== undefined && v.skSm !== undefined && v.pkSm !== undefined) {
    expectHex('skSm', kem.derive(fromHex(v.ikmS)).export(), v.skSm)
    expectHex('pkSm', kem.importPrivate(fromHex(v.skSm)).publicKey, v.pkSm)
  }
  if (v.ikmE !== undefined && v.skEm !== undefined && v.pkEm !== undefined) {
    expectHex('skEm', kem.derive(fromHex(v.ikmE)).export(), v.skEm)
    expectHex('pkEm', kem.importPrivate(fromHex(v.skEm)).publicKey, v.pkEm)
  }
}

function checkKeySchedule(v: HpkeVector): void {
  const suite = new HpkeSuite(v.kem_id, v.kdf_id, v.aead_id)
  const recipient = suite.kem.importPrivate(fromHex(v.skRm))
  const enc = fromHex(v.enc)
  const sender = v.pkSm === undefined ? undefined : suite.kem.importPublic(fromHex(v.pkSm))
  const secret = sender === undefined ? recipient.decap(enc) : recipient.authDecap!(enc, sender)
  expectHex('shared_secret', secret, v.shared_secret)
  const keys = suite.keySchedule(binding(v), sender !== undefined)(secret)
  expectHex('key', keys.key, v.key)
  expectHex('base_nonce', keys.baseNonce, v.base_nonce)
  expectHex('exporter_secret', keys.exporterSecret, v.exporter_secret)
}

function setUp(v: HpkeVector): { sender: HpkeSealer; recipient: HpkeOpener } {
  const suite = new HpkeSuite(v.kem_id, v.kdf_id, v.aead_id)
  const insecureFixedRandomness: InsecureFixedRandomness =
    v.ikmE === undefined ? { skE: fromHex(v.skEm!) } : { ikmE: fromHex(v.ikmE) }
  const { enc, context } = suite.setupSender(suite.kem.importPublic(fromHex(v.pkRm)), {
    ...binding(v),
    insecureFixedRandomness,
    ...(v.skSm === undefined ? {} : { sender: suite.kem.importPrivate(fromHex(v.skSm)) }),
  })
  expectHex('enc', enc, v.enc)
  const recipient = suite.setupRecipient(suite.kem.importPrivate(fromHex(v.skRm)), enc, {
    ...binding(v),
    ...(v.pkSm === undefined ? {} : { sender: suite.kem.importPublic(fromHex(v.pkSm)) }),
  })
  return { sender: context, recipient }
}

function binding(v: HpkeVector): { info: Uint8Array; psk?: Uint8Array; pskId?: Uint8Array } {
  return {
    info: fromHex(v.info),
    ...(v.psk === undefined ? {} : { psk: fromHex(v.psk) }),
    ...(v.psk_id === undefined ? {} : { pskId: fromHex(v.psk_id) }),
  }
}

/** Sequence number of a nonce: its difference from the base nonce. */
function sequenceOf(v: HpkeVector, nonce: string): number {
  const base = fromHex(v.base_nonce)
  return Number.parseInt(toHex(fromHex(nonce).map((byte, i) => byte ^ base[i]!)), 16)
}

/** Bits that X25519 and X448 ignore are written by some and cleared by others (RFC 7748 Section 5). */
function scalar(v: HpkeVector, key: Uint8Array): Uint8Array {
  const out = new Uint8Array(key)
  if (v.kem_id === HPKE_KEM.DHKEM_X25519) {
    out[0]! &= 0xf8
    out[31] = (out[31]! & 0x7f) | 0x40
  } else if (v.kem_id === HPKE_KEM.DHKEM_X448) {
    out[0]! &= 0xfc
    out[55]! |= 0x80
  }
  return out
}

function hex(id: number): string {
  return `0x${id.toString(16)}`
}
