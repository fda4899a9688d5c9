import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import {
  buildReceiptTree,
  type CcfReceipt,
  commitEvidenceOf,
  encodeReleasedKey,
  parseCcfReceipt,
  parseKeyList,
  parsePublishedKeys,
  parseReleasedKey,
  verifyCcfReceipt,
} from '@sotto/protocol/azure-dialect'
import { toBase64, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { ecdsaDer } from '@sotto/protocol/der-write'
import { HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import { encodeKeyConfig } from '@sotto/protocol/ohttp'
import { FAKE_NOW, fakeRoot } from '@sotto/testkit/x509'

const SERVICE = fakeRoot({ commonName: 'Service', curve: 'P-384' })
const NODE = SERVICE.issue({ commonName: 'Node' })
const CONFIGS = [1, 2, 3, 4, 5].map((keyId) =>
  encodeKeyConfig({
    keyId,
    kemId: HPKE_KEM.DHKEM_P384,
    publicKey: kemById(HPKE_KEM.DHKEM_P384).generate().publicKey,
    algorithms: [{ kdfId: 2, aeadId: 2 }],
  }),
)

function receiptsOf(configs: Uint8Array[], node = NODE): CcfReceipt[] {
  const leaves = configs.map((config) => ({
    write_set_digest: 'ab'.repeat(32),
    commit_evidence: commitEvidenceOf('cd'.repeat(32), 3, 17),
    claims_digest: toHex(crypto.sha256(config)),
  }))
  const { preimage, proofs } = buildReceiptTree(leaves)
  const raw = crypto.ecdsa.importPrivate('P-384', 'sha256', node.key.privateKey).sign(preimage)
  return leaves.map((leaf_components, index) => ({
    cert: node.pem,
    leaf_components,
    proof: proofs[index]!,
    signature: toBase64(ecdsaDer(raw)),
  }))
}

const context = (config: Uint8Array) => ({ service: SERVICE.certificate, config, at: FAKE_NOW })

describe('receipts in the form of CCF', () => {
  test('one signature proves every key of a set of any size, and none proves another', () => {
    for (let count = 1; count <= CONFIGS.length; count++) {
      const configs = CONFIGS.slice(0, count)
      const receipts = receiptsOf(configs)
      expect(new Set(receipts.map(({ signature }) => signature)).size).toBe(1)
      for (const [index, receipt] of receipts.entries()) {
        const read = parseCcfReceipt(JSON.stringify(receipt))
        verifyCcfReceipt(read, context(configs[index]!))
        const other = CONFIGS[(index + 1) % CONFIGS.length]!
        expect(() => verifyCcfReceipt(read, context(other))).toThrow(/another key/)
      }
    }
  })

  test('whatever is changed in one, it proves nothing', () => {
    const [receipt] = receiptsOf(CONFIGS.slice(0, 3)) as [CcfReceipt]
    const zeros = '00'.repeat(32)
    const stranger = fakeRoot({ commonName: 'Service', curve: 'P-384' })
    const strangeNode = stranger.issue({ commonName: 'Node' })
    const other = (change: Partial<CcfReceipt['leaf_components']>): CcfReceipt => ({
      ...receipt,
      leaf_components: { ...receipt.leaf_components, ...change },
    })
    const changed: [CcfReceipt, RegExp][] = [
      [other({ write_set_digest: zeros }), /signature/],
      [other({ commit_evidence: 'ce:other' }), /signature/],
      [other({ claims_digest: zeros }), /signature/],
      [{ ...receipt, proof: receipt.proof.slice(1) }, /signature/],
      [{ ...receipt, proof: receipt.proof.toReversed() }, /signature/],
      [{ ...receipt, signature: toBase64(ecdsaDer(new Uint8Array(96).fill(1))) }, /signature/],
      [{ ...receipt, cert: strangeNode.pem }, /certify/],
      [receiptsOf(CONFIGS.slice(0, 1), strangeNode)[0]!, /certify/],
      [
        receiptsOf(CONFIGS.slice(0, 1), SERVICE.issue({ commonName: 'N', notAfter: FAKE_NOW - 1 }))[0]!,
        /valid now/,
      ],
      [{ ...receipt, cert: 'no certificate' }, /malformed/],
    ]
    for (const [one, reason] of changed)
      expect(() => verifyCcfReceipt(one, context(CONFIGS[0]!))).toThrow(reason)
  })

  test.each([
    ['no JSON', 'x'],
    ['another member', JSON.stringify({ ...receiptsOf(CONFIGS.slice(0, 1))[0], more: 1 })],
    ['no proof', JSON.stringify({ ...receiptsOf(CONFIGS.slice(0, 1))[0], proof: undefined })],
    ['a step that is neither', JSON.stringify({ ...receiptsOf(CONFIGS.slice(0, 1))[0], proof: [{}] })],
    [
      'a step that is both',
      JSON.stringify({
        ...receiptsOf(CONFIGS.slice(0, 1))[0],
        proof: [{ left: 'ab'.repeat(32), right: 'ab'.repeat(32) }],
      }),
    ],
    [
      '65 steps',
      JSON.stringify({
        ...receiptsOf(CONFIGS.slice(0, 1))[0],
        proof: Array.from({ length: 65 }, () => ({ left: 'ab'.repeat(32) })),
      }),
    ],
  ])('malformed: %s', (_name, text) => {
    expect(() => parseCcfReceipt(text)).toThrow(expect.objectContaining({ code: 'AZURE_MALFORMED' }))
  })
})

describe('key lists', () => {
  test('read what is published, and nothing else', () => {
    const entry = { publicKey: toHex(CONFIGS[0]!), receipt: '{}' }
    expect(parsePublishedKeys(JSON.stringify([entry]))[0]!.config.keyId).toBe(1)
    for (const list of [
      [],
      {},
      [{ ...entry, publicKey: entry.publicKey.toUpperCase() }],
      [{ ...entry, publicKey: entry.publicKey.slice(2) }],
      [{ ...entry, publicKey: `${entry.publicKey}00` }],
      [{ ...entry, more: 1 }],
      Array.from({ length: 33 }, () => ({ ...entry })),
    ])
      expect(() => parsePublishedKeys(JSON.stringify(list))).toThrow(
        expect.objectContaining({ code: 'AZURE_MALFORMED' }),
      )
    for (const text of ['', 'zz', '00', toHex(CONFIGS[0]!)])
      expect(() => parseKeyList(text)).toThrow(expect.objectContaining({ code: 'AZURE_MALFORMED' }))
  })
})

describe('a released key', () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  test('comes back as it went, small enough for RSA-OAEP on 2048 bits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), bytes(96), bytes(48), (keyId, point, privateKey) => {
        const key = { keyId, publicKey: Uint8Array.of(4, ...point), privateKey }
        const encoded = encodeReleasedKey(key)
        expect(encoded.length).toBeLessThanOrEqual(190)
        expect(parseReleasedKey(encoded)).toEqual(key)
        for (const cut of [0, 1, 50, encoded.length - 1])
          expect(() => parseReleasedKey(encoded.subarray(0, cut))).toThrow()
      }),
      { numRuns: 30 },
    )
  })
})
