import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { canonicalJson } from '@sotto/protocol/jcs'
import {
  artifactImportInfo,
  bindReportData,
  decodeDocument,
  documentDigest,
  enclaveBindingDecoder,
  encodeDocument,
  evidenceDecoder,
  genesisDecoder,
  keySetDecoder,
  kmsBindingDecoder,
  kmsCertificateDecoder,
  parseKeyReleasePolicy,
  releasedKeysDecoder,
  releaseInfo,
  releaseReceiptDecoder,
  releaseRequestDecoder,
  releaseStatementDecoder,
} from '@sotto/protocol/keyrelease'
import type { Decoder } from '@sotto/protocol/jcs'
import { createWorld, type World } from '@sotto/testkit'
import { parseDsse } from '@sotto/protocol/dsse'
import { claim } from '../../../../test/claims.ts'

const RUNS = process.env['SLOW'] ? 500 : 25
const world: World = await createWorld()
const payload = (statement: { envelope: string }): Uint8Array => parseDsse(utf8(statement.envelope)).payload
const parse = (bytes: Uint8Array): Record<string, unknown> =>
  JSON.parse(fromUtf8(bytes)) as Record<string, unknown>

const digest = 'ab'.repeat(32)
const key = toBase64Url(crypto.randomBytes(32))
const receipt = {
  version: 1,
  genesis: digest,
  epoch: 1,
  keyIds: [1, 2],
  policy: digest,
  tuple: 'inference',
  evidence: digest,
  chip: 'cd'.repeat(64),
  receiptKey: key,
  issuedAt: 10,
  notAfter: 20,
}
const enclaveBinding = {
  version: 1 as const,
  genesis: digest,
  wrapKey: toBase64Url(new Uint8Array(1216)),
  receiptKey: key,
  checkpoint: digest,
}
const released = {
  keys: [{ keyId: 1, privateKey: key }],
  artifacts: [{ id: 'ab'.repeat(16), contentKey: key }],
}
const request = {
  evidence: world.bundle.kms.evidence,
  binding: enclaveBinding,
  checkpoint: world.bundle.checkpoint,
  artifacts: ['ab'.repeat(16)],
}

/** Every document with its decoder and an honest example. */
const DOCUMENTS: [name: string, decoder: Decoder<unknown>, example: Record<string, unknown>][] = [
  ['genesis', genesisDecoder, parse(payload(world.bundle.genesis))],
  ['certificate', kmsCertificateDecoder, parse(payload(world.bundle.kms.certificate))],
  ['release', releaseStatementDecoder, parse(payload(world.bundle.releases[0]!))],
  ['keySet', keySetDecoder, parse(payload(world.bundle.keySet))],
  ['evidence', evidenceDecoder, { ...world.bundle.kms.evidence }],
  ['kmsBinding', kmsBindingDecoder, { ...world.bundle.kms.binding }],
  ['enclaveBinding', enclaveBindingDecoder, enclaveBinding],
  ['receipt', releaseReceiptDecoder, receipt],
  ['request', releaseRequestDecoder, request],
  ['released', releasedKeysDecoder, released],
]

describe.each(DOCUMENTS)('%s', (name, decoder, example) => {
  it('is read as it was written', () => {
    expect(decodeDocument(encodeDocument(example), decoder, name)).toEqual(example)
  })

  it('is refused with a member too few, too many or of another kind', () => {
    for (const member of Object.keys(example)) {
      const { [member]: _gone, ...rest } = example
      expect(() => decodeDocument(encodeDocument(rest), decoder), `without ${member}`).toThrow(
        expect.objectContaining({ code: 'JCS_FIELD' }),
      )
      for (const wrong of [null, true, { a: 1 }, '\u0000', -1]) {
        expect(
          () => decodeDocument(encodeDocument({ ...example, [member]: wrong }), decoder),
          `${member} = ${JSON.stringify(wrong)}`,
        ).toThrow(expect.objectContaining({ code: 'JCS_FIELD' }))
      }
    }
    for (const extra of ['extra', 'version2', 'toString']) {
      expect(() => decodeDocument(encodeDocument({ ...example, [extra]: 1 }), decoder)).toThrow(
        expect.objectContaining({ code: 'JCS_FIELD' }),
      )
    }
  })

  it('is refused in any other spelling', () => {
    const json = JSON.stringify(example, null, 1)
    expect(() => decodeDocument(utf8(json), decoder)).toThrow(
      expect.objectContaining({ code: 'JCS_MALFORMED' }),
    )
  })
})

describe('documents that contradict themselves are refused:', () => {
  const genesis = parse(payload(world.bundle.genesis)) as never as { members: object[] } & Record<
    string,
    unknown
  >
  const keySet = parse(payload(world.bundle.keySet)) as never as { keys: object[] } & Record<string, unknown>
  const [logKey, witnessKey] = [world.log.key, world.log.witnessKeys[0]!]
  it.each<[string, Decoder<unknown>, object]>([
    ['a genesis whose threshold nobody can reach', genesisDecoder, { ...genesis, threshold: 2 }],
    [
      'a genesis with one member twice',
      genesisDecoder,
      { ...genesis, members: [genesis.members[0], { ...genesis.members[0], name: 'again' }] },
    ],
    [
      'a genesis with a witness twice',
      genesisDecoder,
      { ...genesis, witnesses: { keys: [witnessKey, witnessKey], quorum: 2 } },
    ],
    [
      'a genesis whose log is a witness',
      genesisDecoder,
      { ...genesis, log: { origin: 'o', key: witnessKey } },
    ],
    [
      'a genesis whose witness is a log',
      genesisDecoder,
      { ...genesis, witnesses: { keys: [logKey], quorum: 1 } },
    ],
    [
      'a genesis whose quorum nobody can reach',
      genesisDecoder,
      { ...genesis, witnesses: { keys: [witnessKey], quorum: 2 } },
    ],
    [
      'a key set with a key identifier twice',
      keySetDecoder,
      { ...keySet, keys: [keySet.keys[0], keySet.keys[0]] },
    ],
    ['a second key set without a previous one', keySetDecoder, { ...keySet, epoch: 2 }],
    ['a first key set with a previous one', keySetDecoder, { ...keySet, previous: digest }],
    [
      'a key that lives longer than a day',
      keySetDecoder,
      { ...keySet, keys: [{ ...keySet.keys[0], notBefore: 1, notAfter: 86_402 }] },
    ],
    [
      'a key that is never valid',
      keySetDecoder,
      { ...keySet, keys: [{ ...keySet.keys[0], notBefore: 9, notAfter: 9 }] },
    ],
    ['a receipt that names a key twice', releaseReceiptDecoder, { ...receipt, keyIds: [1, 1] }],
    ['a receipt that ends before it begins', releaseReceiptDecoder, { ...receipt, notAfter: 9 }],
    [
      'released keys with an identifier twice',
      releasedKeysDecoder,
      { ...released, keys: [released.keys[0], released.keys[0]] },
    ],
    [
      'released keys with an artifact twice',
      releasedKeysDecoder,
      { ...released, artifacts: [released.artifacts[0], released.artifacts[0]] },
    ],
  ])('%s', (_what, decoder, document) => {
    expect(() => decodeDocument(encodeDocument(document), decoder)).toThrow(
      expect.objectContaining({ code: 'JCS_FIELD' }),
    )
  })
})

describe('a key-release policy', () => {
  const policy = parse(payload(world.bundle.policy)) as { anyOf: Record<string, unknown>[] }
  const [tuple] = policy.anyOf
  const bytes = (anyOf: object[]): Uint8Array => encodeDocument({ ...policy, anyOf })

  it('is read as it was written', () => {
    expect(parseKeyReleasePolicy(encodeDocument(policy))).toEqual(policy)
  })

  it(claim('T10', 'never has software and hardware in one anyOf'), () => {
    const mixed = bytes([tuple!, { ...tuple, name: 'hardware', family: 'snp' }])
    expect(() => parseKeyReleasePolicy(mixed)).toThrow(expect.objectContaining({ code: 'POLICY_INVALID' }))
    const hardware = bytes([{ ...tuple, family: 'snp' }])
    expect(parseKeyReleasePolicy(hardware).anyOf[0]!.family).toBe('snp')
  })

  it.each<[string, object[], string]>([
    ['no tuple', [], 'JCS_FIELD'],
    ['17 tuples', Array.from({ length: 17 }, (_, i) => ({ ...tuple, name: `t${i}` })), 'JCS_FIELD'],
    ['a name twice', [tuple!, { ...tuple, hostData: digest }], 'POLICY_INVALID'],
    ['a tuple twice under two names', [tuple!, { ...tuple, name: 'again' }], 'POLICY_INVALID'],
    ['a short measurement', [{ ...tuple, measurement: 'ab' }], 'JCS_FIELD'],
    ['a name with a space', [{ ...tuple, name: 'a b' }], 'JCS_FIELD'],
  ])('is refused with %s', (_what, anyOf, code) => {
    expect(() => parseKeyReleasePolicy(bytes(anyOf))).toThrow(expect.objectContaining({ code }))
  })
})

describe('what evidence binds', () => {
  it(claim('T6', 'is a typed, length-delimited hash of every field'), () => {
    const binding = world.bundle.kms.binding
    const bound = bindReportData('kms', binding)
    expect(bound).toHaveLength(64)
    const type = 'application/vnd.sotto.binding.kms+json'
    const body = canonicalJson(binding)
    const encoded = Buffer.concat([utf8(`DSSEv1 ${type.length} ${type} ${body.length} `), body])
    expect(toHex(bound)).toBe(toHex(crypto.sha512(encoded)))
    for (const [field, value] of Object.entries(binding)) {
      const other = typeof value === 'string' ? value.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')) : 2
      expect(bindReportData('kms', { ...binding, [field]: other } as typeof binding), field).not.toEqual(
        bound,
      )
    }
  })

  it('never lets a KMS pose as an enclave', () => {
    expect(bindReportData('enclave', world.bundle.kms.binding as never)).not.toEqual(
      bindReportData('kms', world.bundle.kms.binding),
    )
  })

  it('ties a release to genesis, policy and report, and an import to artifact, policy and owner', () => {
    const context = { genesis: digest, policy: digest, evidence: digest }
    const imported = { genesis: digest, artifact: 'ab'.repeat(16), policy: digest, owner: key }
    const infos = [
      releaseInfo(context),
      ...Object.keys(context).map((field) => releaseInfo({ ...context, [field]: 'cd'.repeat(32) })),
      artifactImportInfo(imported),
      ...Object.keys(imported).map((field) => artifactImportInfo({ ...imported, [field]: 'cd'.repeat(32) })),
    ]
    expect(new Set(infos.map(toHex)).size).toBe(infos.length)
  })

  it('hashes documents by their canonical bytes, in whatever order they were built', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer()), (document) => {
        const reversed = Object.fromEntries(Object.entries(document).toReversed())
        expect(documentDigest(reversed)).toBe(documentDigest(document))
        expect(documentDigest(document)).toBe(toHex(crypto.sha256(encodeDocument(document))))
      }),
      { numRuns: RUNS },
    )
  })
})
