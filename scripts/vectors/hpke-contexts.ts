import { fromHex, toHex } from '@sotto/protocol/bytes'
import { type HpkeOpener, type HpkeSealer, HpkeSuite } from '@sotto/protocol/hpke'
import { expectHex, expectRefused } from './harness.ts'
import { binding, type HpkeEncryption, type HpkeExport, type HpkeVector } from './hpke-types.ts'

const EMPTY = new Uint8Array(0)
/** Sequence numbers are reached by counting; a nonce beyond this is a wrong one. */
const MAX_SEQUENCE = 2 ** 16

/** Both sides of one vector. Sequence numbers count up, so the cases of a vector share them. */
export class ContextPair {
  readonly #vector: HpkeVector
  #sides: { sender: HpkeSealer; recipient: HpkeOpener } | undefined
  #sequence = 0

  constructor(vector: HpkeVector) {
    this.#vector = vector
  }

  /** `salt` chooses which byte is forged. */
  checkEncryption(encryption: HpkeEncryption, salt: number): void {
    const { sender, recipient } = this.#at(sequenceOf(this.#vector, encryption.nonce))
    const [aad, pt, ct] = [fromHex(encryption.aad), fromHex(encryption.pt), fromHex(encryption.ct)]
    // Whatever fails below, the next case counts from a fresh pair.
    this.#sides = undefined
    expectHex('ct', sender.seal(aad, pt), encryption.ct)
    const forged = new Uint8Array(ct)
    forged[salt % forged.length]! ^= 1
    expectRefused('forged ct', () => recipient.open(aad, forged), 'CRYPTO_OPEN_FAILED')
    expectHex('pt', recipient.open(aad, ct), encryption.pt)
    this.#sides = { sender, recipient }
    this.#sequence++
  }

  checkExport({ exporter_context, L, exported_value }: HpkeExport): void {
    const { sender, recipient } = (this.#sides ??= setUp(this.#vector))
    expectHex('sender', sender.export(fromHex(exporter_context), L), exported_value)
    expectHex('recipient', recipient.export(fromHex(exporter_context), L), exported_value)
  }

  /** An export-only context neither seals nor opens. */
  checkNoEncryption(): void {
    const { sender, recipient } = setUp(this.#vector)
    expectRefused('seal', () => sender.seal(EMPTY, EMPTY), 'HPKE_UNSUPPORTED')
    expectRefused('open', () => recipient.open(EMPTY, new Uint8Array(16)), 'HPKE_UNSUPPORTED')
  }

  /** The contexts at a sequence number. Files may leave numbers out, and need not be in order. */
  #at(sequence: number): { sender: HpkeSealer; recipient: HpkeOpener } {
    if (sequence > MAX_SEQUENCE) throw new Error('the nonce does not follow from base_nonce')
    if (this.#sides === undefined || sequence < this.#sequence) {
      this.#sides = setUp(this.#vector)
      this.#sequence = 0
    }
    const { sender, recipient } = this.#sides
    for (; this.#sequence < sequence; this.#sequence++) recipient.open(EMPTY, sender.seal(EMPTY, EMPTY))
    return this.#sides
  }
}

function setUp(v: HpkeVector): { sender: HpkeSealer; recipient: HpkeOpener } {
  const suite = new HpkeSuite(v.kem_id, v.kdf_id, v.aead_id)
  const { enc, context } = suite.setupSender(suite.kem.importPublic(fromHex(v.pkRm)), {
    ...binding(v),
    insecureFixedRandomness: v.ikmE === undefined ? { skE: fromHex(v.skEm!) } : { ikmE: fromHex(v.ikmE) },
    ...(v.skSm === undefined ? {} : { sender: suite.kem.importPrivate(fromHex(v.skSm)) }),
  })
  expectHex('enc', enc, v.enc)
  const recipient = suite.setupRecipient(suite.kem.importPrivate(fromHex(v.skRm)), enc, {
    ...binding(v),
    ...(v.pkSm === undefined ? {} : { sender: suite.kem.importPublic(fromHex(v.pkSm)) }),
  })
  return { sender: context, recipient }
}

/** Sequence number of a nonce: its difference from the base nonce. */
function sequenceOf(v: HpkeVector, nonce: string): number {
  const [base, bytes] = [fromHex(v.base_nonce), fromHex(nonce)]
  if (bytes.length !== base.length) throw new Error('nonce and base_nonce differ in length')
  return Number.parseInt(toHex(bytes.map((byte, i) => byte ^ base[i]!)), 16)
}
