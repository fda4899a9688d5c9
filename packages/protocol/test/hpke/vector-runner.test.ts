import { describe, expect, it } from 'vitest'
import { concat, fromHex, toHex, uint, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, HpkeSuite } from '@sotto/protocol/hpke'
import { hpke } from '../../../../scripts/vectors/hpke.ts'
import { changes, failuresOf } from '../../../../scripts/vectors/testing.ts'

/** A vector in mode `auth_psk`, which has every field. */
function vector() {
  const ids = [HPKE_KEM.DHKEM_P256, HPKE_KDF.HKDF_SHA256, HPKE_AEAD.AES_128_GCM] as const
  const suite = new HpkeSuite(...ids)
  const suiteId = concat(utf8('HPKE'), ...ids.map((id) => uint(id, 2)))
  const [ikmR, ikmE, ikmS, psk] = [1, 2, 3, 4].map((byte) => new Uint8Array(32).fill(byte)) as Uint8Array[]
  const [R, E, S] = [ikmR, ikmE, ikmS].map((ikm) => suite.kem.derive(ikm!))
  const [info, pskId] = [utf8('info'), utf8('id')]
  const { enc, context } = suite.setupSender(suite.kem.importPublic(R!.publicKey), {
    info,
    psk: psk!,
    pskId,
    sender: S!,
    insecureFixedRandomness: { ikmE: ikmE! },
  })
  const secret = R!.authDecap!(enc, suite.kem.importPublic(S!.publicKey))
  const keys = suite.keySchedule({ info, psk: psk!, pskId }, true)(secret)
  const extract = (salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array =>
    crypto.hkdfExtract('sha256', salt, utf8('HPKE-v1'), suiteId, utf8(label), ikm)
  const none = new Uint8Array(0)
  return {
    mode: 3,
    kem_id: ids[0],
    kdf_id: ids[1],
    aead_id: ids[2],
    info: toHex(info),
    ikmR: toHex(ikmR!),
    ikmE: toHex(ikmE!),
    ikmS: toHex(ikmS!),
    skRm: toHex(R!.export()),
    skEm: toHex(E!.export()),
    skSm: toHex(S!.export()),
    pkRm: toHex(R!.publicKey),
    pkEm: toHex(E!.publicKey),
    pkSm: toHex(S!.publicKey),
    psk: toHex(psk!),
    psk_id: toHex(pskId),
    enc: toHex(enc),
    shared_secret: toHex(secret),
    suite_id: toHex(suiteId),
    key_schedule_context: toHex(
      concat(uint(3, 1), extract(none, 'psk_id_hash', pskId), extract(none, 'info_hash', info)),
    ),
    secret: toHex(extract(secret, 'secret', psk!)),
    key: toHex(keys.key),
    base_nonce: toHex(keys.baseNonce),
    exporter_secret: toHex(keys.exporterSecret),
    encryptions: [0, 1].map((sequence) => ({
      aad: 'aa',
      ct: toHex(context.seal(fromHex('aa'), fromHex('bbcc'))),
      nonce: toHex(keys.baseNonce.map((byte, i) => (i === 11 ? byte ^ sequence : byte))),
      pt: 'bbcc',
    })),
    exports: [{ exporter_context: '', L: 16, exported_value: toHex(context.export(none, 16)) }],
  }
}

describe('the runner of HPKE vectors', () => {
  const good = vector()

  it('passes a good vector, its encryptions in any order', async () => {
    expect(await failuresOf(hpke, [good])).toEqual([])
    expect(await failuresOf(hpke, [{ ...good, encryptions: good.encryptions.toReversed() }])).toEqual([])
  })

  it('notices a change of any field', async () => {
    const unnoticed: string[] = []
    for (const [path, changed] of changes(good)) {
      if ((await failuresOf(hpke, [changed])).length === 0) unnoticed.push(path)
    }
    expect(unnoticed).toEqual([])
  })

  it('fails for a nonce that no sequence number gives, and does not count up to it', async () => {
    const [first] = good.encryptions
    const nonce = `ff${first!.nonce.slice(2)}`
    const start = performance.now()
    expect(await failuresOf(hpke, [{ ...good, encryptions: [{ ...first!, nonce }] }])).toHaveLength(1)
    expect(performance.now() - start).toBeLessThan(2000)
  })
})
