import { concat, fromHex, toHex, uint, utf8 } from '@sotto/protocol/bytes'
import { crypto, type Sha2Name } from '@sotto/protocol/crypto-backend'
import { HpkeSuite } from '@sotto/protocol/hpke'
import { expectEqual, expectHex } from './harness.ts'
import { binding, type HpkeVector } from './hpke-types.ts'

const EMPTY = new Uint8Array(0)

/** The shared secret, and everything that RFC 9180 Section 5.1 makes of it. */
export function checkKeySchedule(v: HpkeVector): void {
  const suite = new HpkeSuite(v.kem_id, v.kdf_id, v.aead_id)
  const recipient = suite.kem.importPrivate(fromHex(v.skRm))
  const enc = fromHex(v.enc)
  const sender = v.pkSm === undefined ? undefined : suite.kem.importPublic(fromHex(v.pkSm))
  // The product takes the mode from what it is given.
  const mode = (v.psk === undefined || v.psk === '' ? 0 : 1) + (sender === undefined ? 0 : 2)
  expectEqual('mode', mode, v.mode)
  const secret = sender === undefined ? recipient.decap(enc) : recipient.authDecap!(enc, sender)
  expectHex('shared_secret', secret, v.shared_secret)
  const keys = suite.keySchedule(binding(v), sender !== undefined)(secret)
  expectHex('key', keys.key, v.key)
  expectHex('base_nonce', keys.baseNonce, v.base_nonce)
  expectHex('exporter_secret', keys.exporterSecret, v.exporter_secret)
  checkIntermediates(v, suite)
}

/** Values that the product does not give out: made here of its primitives, from the vector's inputs. */
function checkIntermediates(v: HpkeVector, suite: HpkeSuite): void {
  const suiteId = concat(utf8('HPKE'), uint(v.kem_id, 2), uint(v.kdf_id, 2), uint(v.aead_id, 2))
  if (v.suite_id !== undefined) expectHex('suite_id', suiteId, v.suite_id)
  const { hash } = suite.kdf
  if (hash === undefined) {
    // A one-stage KDF has no such values.
    expectEqual('key_schedule_context', v.key_schedule_context, undefined)
    expectEqual('secret', v.secret, undefined)
    return
  }
  const extract = (salt: Uint8Array, label: string, ikm: string): Uint8Array =>
    labeledExtract(hash, suiteId, salt, label, fromHex(ikm))
  const context = concat(
    uint(v.mode, 1),
    extract(EMPTY, 'psk_id_hash', v.psk_id ?? ''),
    extract(EMPTY, 'info_hash', v.info),
  )
  if (v.key_schedule_context !== undefined) expectHex('key_schedule_context', context, v.key_schedule_context)
  const secret = extract(fromHex(v.shared_secret), 'secret', v.psk ?? '')
  if (v.secret !== undefined) expectHex('secret', secret, v.secret)
  const length = v.exporter_secret.length / 2
  const info = concat(uint(length, 2), utf8('HPKE-v1'), suiteId, utf8('exp'), context)
  const exporterSecret = toHex(crypto.hkdfExpand(hash, secret, info, length))
  expectEqual('exporter_secret of secret and key_schedule_context', exporterSecret, v.exporter_secret)
}

/** LabeledExtract (RFC 9180 Section 4). */
function labeledExtract(
  hash: Sha2Name,
  suiteId: Uint8Array,
  salt: Uint8Array,
  label: string,
  ikm: Uint8Array,
): Uint8Array {
  return crypto.hkdfExtract(hash, salt, utf8('HPKE-v1'), suiteId, utf8(label), ikm)
}
