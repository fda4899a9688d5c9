import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { decodeDocument, encodeDocument, EVIDENCE_LIMITS } from '@sotto/protocol/keyrelease'
import { bytes, DIGEST, DOCUMENTS, witnessKey } from './documents.ts'
import { at, changed, objectsIn, type Path } from './every-object.ts'

/** Objects whose members are no fields: pieces of collateral by name, and what a family reads. */
const isOpen = (path: Path): boolean =>
  path.at(-1) === 'collateral' || path.join('.') === 'predicate.evidence'

const refuse = (name: string, document: object): void => {
  const { decoder } = DOCUMENTS[name]!
  expect(() => decodeDocument(encodeDocument(document), decoder, 'document', 200_000), name).toThrow(
    expect.objectContaining({ code: 'JCS_FIELD' }),
  )
}

describe.each(Object.keys(DOCUMENTS))('a document of kind %s', (name) => {
  const { decoder, good } = DOCUMENTS[name]!

  it('is read as it was written', () => {
    const decoded = decodeDocument(encodeDocument(good), decoder)
    expect(decoded).toEqual(good)
    expect(encodeDocument(decoded)).toEqual(encodeDocument(good))
  })

  it('has no unknown member, in any of its objects', () => {
    for (const path of objectsIn(good, isOpen))
      refuse(
        name,
        changed(good, path, (value) => Object.assign(value, { extra: 1 })),
      )
  })

  it('lacks no member, in any of its objects', () => {
    for (const path of objectsIn(good, isOpen)) {
      for (const member of Object.keys(at(good, path)))
        refuse(
          name,
          changed(good, path, (value) => delete value[member]),
        )
    }
  })

  it('has no member of another type', () => {
    for (const path of objectsIn(good, isOpen)) {
      for (const member of Object.keys(at(good, path)))
        for (const wrong of [null, true, -1, '', [], {}])
          refuseUnlessEmpty(
            name,
            changed(good, path, (value) => (value[member] = wrong)),
            wrong,
            member,
          )
    }
  })

  it('is not read from other spellings', () => {
    const spaced = utf8(JSON.stringify(good, null, 1))
    expect(() => decodeDocument(spaced, decoder)).toThrow(expect.objectContaining({ code: 'JCS_MALFORMED' }))
  })
})

/** Lists and collections that may be empty; everything else of another type is refused. */
function refuseUnlessEmpty(name: string, document: object, wrong: unknown, member: string): void {
  if (
    Array.isArray(wrong)
      ? member === 'artifacts'
      : wrong !== null && typeof wrong === 'object' && member === 'collateral'
  )
    return
  refuse(name, document)
}

describe('evidence', () => {
  const piece = { family: 'sev-snp', evidence: bytes(1184), collateral: { leaf: bytes(97) } }

  it('is one to twenty pieces, with up to 64 named pieces of collateral each', () => {
    const pieces = many(64, (i) => [`c${i}`, bytes(8)]) as [string, string][]
    const full = many(20, () => ({ ...piece, collateral: Object.fromEntries(pieces) }))
    const { decoder } = DOCUMENTS['evidence']!
    expect(decodeDocument(encodeDocument(full), decoder, 'document', 200_000)).toEqual(full)
    expect(decodeDocument(encodeDocument([{ ...piece, collateral: {} }]), decoder)).toHaveLength(1)
    refuse(
      'evidence',
      many(21, () => piece),
    )
    refuse('evidence', [{ ...piece, collateral: Object.fromEntries([...pieces, ['c64', bytes(8)]]) }])
  })

  it('holds what a release request can carry, and no byte more', () => {
    const { totalBytes, pieceBytes } = EVIDENCE_LIMITS
    const { decoder } = DOCUMENTS['evidence']!
    const rest = totalBytes - 1184 - 2 * pieceBytes
    const of = (last: number): object[] => [
      { ...piece, collateral: { a: bytes(pieceBytes), b: bytes(pieceBytes), c: bytes(last) } },
    ]
    expect(decoder(of(rest), 'evidence')).toHaveLength(1)
    expect(() => decoder(of(rest + 1), 'evidence')).toThrow(
      expect.objectContaining({ code: 'JCS_FIELD', expected: `at most ${totalBytes} bytes` }),
    )
    // In base64, with the longest names, beside the longest note.
    const names = EVIDENCE_LIMITS.pieces * EVIDENCE_LIMITS.collateral * 150
    expect((totalBytes * 4) / 3 + names + 65_536).toBeLessThan(4 * 1024 * 1024)
  })

  it.each<[string, object]>([
    ['nothing', []],
    ['an unknown family', [{ ...piece, family: 'snp' }]],
    ['a few bytes', [{ ...piece, evidence: bytes(15) }]],
    ['an empty piece of collateral', [{ ...piece, collateral: { leaf: '' } }]],
    ['collateral of another alphabet', [{ ...piece, collateral: { leaf: '+/+/' } }]],
    ['collateral under the name of a folder', [{ ...piece, collateral: { '../leaf': bytes(8) } }]],
    ['collateral under a hidden name', [{ ...piece, collateral: { '.leaf': bytes(8) } }]],
  ])('is refused with %s', (_what, evidence) => refuse('evidence', evidence))
})

const app = { name: 'summaries', sha256: DIGEST }
const { predicate } = DOCUMENTS['release']!.good as { predicate: object }

/** What is well-formed and still refused: [kind, what, the document]. */
const BOUNDS: [kind: string, what: string, members: Record<string, unknown>][] = [
  ['genesis', 'another version', { version: 2 }],
  ['genesis', 'no member', { members: [] }],
  ['genesis', '65 members', { members: many(65, (i) => ({ name: `m${i}`, key: bytes(32, i) })) }],
  ['genesis', 'a member key twice', { members: many(2, (i) => ({ name: `m${i}`, key: bytes(32) })) }],
  ['genesis', 'a member name twice', { members: many(2, (i) => ({ name: 'm', key: bytes(32, i) })) }],
  ['genesis', 'a threshold of nobody', { threshold: 0 }],
  ['genesis', 'a threshold nobody reaches', { threshold: 3 }],
  ['genesis', 'a release key twice', { releaseKeys: [bytes(32), bytes(32)] }],
  ['genesis', 'no release key', { releaseKeys: [] }],
  ['genesis', 'a log key that is a witness key', { log: { origin: 'o', key: witnessKey(1) } }],
  ['genesis', 'a log key that is no key', { log: { origin: 'o', key: 'log' } }],
  ['genesis', 'a witness twice', { witnesses: { keys: [witnessKey(1), witnessKey(1)], quorum: 1 } }],
  ['genesis', 'no witness', { witnesses: { keys: [], quorum: 1 } }],
  ['genesis', 'a quorum of nobody', { witnesses: { keys: [witnessKey(1)], quorum: 0 } }],
  ['genesis', 'a quorum nobody reaches', { witnesses: { keys: [witnessKey(1)], quorum: 2 } }],
  ['genesis', 'a name that moves the cursor', { name: 'a\u001b[2J' }],
  ['genesis', 'a name that turns text around', { name: 'a\u202eb' }],
  ['genesis', 'a long name', { name: 'a'.repeat(65) }],
  ['genesis', 'a short root key', { rootKey: bytes(31) }],
  ['genesis', 'no time', { createdAt: 0 }],
  ['certificate', 'a life that ends as it begins', { notAfter: 5 }],
  ['release', 'another predicate', { predicateType: 'https://slsa.dev/provenance/v1' }],
  ['release', 'another statement type', { _type: 'https://in-toto.io/Statement/v0.1' }],
  ['release', 'a third subject', { subject: many(3, () => ({ name: 'image', digest: { sha256: DIGEST } })) }],
  [
    'release',
    'subjects in another order',
    { subject: ['configuration', 'image'].map((name) => ({ name, digest: { sha256: DIGEST } })) },
  ],
  ['release', 'an app without code', { predicate: { ...predicate, app: { name: 'summaries' } } }],
  ['release', 'two apps', { predicate: { ...predicate, app: [app, app] } }],
  ['releasedApp', 'a name with a capital letter', { name: 'Summaries' }],
  ['releasedApp', 'a name that begins with a digit', { name: '1st' }],
  ['releasedApp', 'a name that begins with a dash', { name: '-a' }],
  ['releasedApp', 'a name of two words', { name: 'a b' }],
  ['releasedApp', 'a name of two lines', { name: 'a\n' }],
  ['releasedApp', 'a name that moves the cursor', { name: 'a\u001b[2J' }],
  ['releasedApp', 'a long name', { name: 'a'.repeat(64) }],
  ['releasedApp', 'a short digest', { sha256: DIGEST.slice(2) }],
  ['releasedApp', 'an upper-case digest', { sha256: DIGEST.toUpperCase() }],
  ['keySet', 'no key', { keys: [] }],
  ['keySet', '65 keys', { keys: many(65, (i) => key({ keyId: i })) }],
  ['keySet', 'a key identifier twice', { keys: [key({}), key({})] }],
  ['keySet', 'a key identifier past a byte', { keys: [key({ keyId: 256 })] }],
  ['keySet', 'a key that is never valid', { keys: [key({ notAfter: 5 })] }],
  ['keySet', 'a key that lives longer than a day', { keys: [key({ notAfter: 5 + 86_401 })] }],
  ['keySet', 'a first set with a previous one', { epoch: 1 }],
  ['keySet', 'a later set without a previous one', { previous: '0'.repeat(64) }],
  ['keySet', 'an epoch before the first', { epoch: 0, previous: '0'.repeat(64) }],
  ['keySet', 'an upper-case digest', { genesis: DIGEST.toUpperCase() }],
  ['releaseReceipt', 'no key', { keyIds: [] }],
  ['releaseReceipt', 'a key identifier twice', { keyIds: [1, 1] }],
  ['releaseReceipt', 'an end before its beginning', { notAfter: 4 }],
  ['releaseReceipt', 'a tuple name with a space', { tuple: 'a b' }],
  ['releaseReceipt', 'half a chip', { chip: 'cd'.repeat(32) }],
  ['artifactKeyImport', 'an encapsulation of X25519', { enc: bytes(32) }],
  ['artifactKeyImport', 'a longer content key', { wrapped: bytes(49) }],
  ['artifactKeyImport', 'no time', { createdAt: 0 }],
  ['artifactKeyImport', 'another identifier', { artifact: 'ef'.repeat(15) }],
  ['kmsBinding', 'an X25519 import key', { importKey: bytes(32) }],
  ['kmsBinding', 'a short nonce', { nonce: bytes(15) }],
  ['kmsBinding', 'a long nonce', { nonce: bytes(65) }],
  ['kmsBinding', 'a nonce in hexadecimal', { nonce: 7 }],
  ['enclaveBinding', 'an X25519 wrapping key', { wrapKey: bytes(32) }],
  ['loggedStatement', 'a negative index', { index: -1 }],
  ['loggedStatement', 'a long envelope', { envelope: 'x'.repeat(65_536) }],
  ['releaseRequest', 'a long checkpoint', { checkpoint: 'x'.repeat(16_385) }],
  ['releaseRequest', '65 artifacts', { artifacts: many(65, (i) => i.toString(16).padStart(32, '0')) }],
  ['releasedKeys', 'no key', { keys: [] }],
  ['releasedKeys', 'a key twice', { keys: many(2, () => ({ keyId: 1, privateKey: bytes(32) })) }],
  [
    'releasedKeys',
    'an artifact twice',
    { artifacts: many(2, () => ({ id: 'ef'.repeat(16), contentKey: bytes(32) })) },
  ],
  ['releasedKeys', 'a short content key', { artifacts: [{ id: 'ef'.repeat(16), contentKey: bytes(16) }] }],
]

describe('a document', () => {
  it('of kind release may say which app runs', () => {
    const { decoder, good } = DOCUMENTS['release']!
    const released = { ...good, predicate: { ...predicate, app } }
    expect(decodeDocument(encodeDocument(released), decoder)).toEqual(released)
  })

  it.each(BOUNDS)('of kind %s is refused with %s', (kind, _what, members) => {
    refuse(kind, { ...DOCUMENTS[kind]!.good, ...members })
  })

  it('past its bound is refused before it is parsed', () => {
    const { decoder, good } = DOCUMENTS['releaseRequest']!
    expect(() => decodeDocument(encodeDocument(good), decoder, 'document', 1000)).toThrow(
      expect.objectContaining({ code: 'JCS_MALFORMED' }),
    )
    expect(() => decodeDocument(utf8(`"${'x'.repeat(65_536)}"`), decoder)).toThrow(
      expect.objectContaining({ code: 'JCS_MALFORMED', found: '65538' }),
    )
  })

  it('is refused without quoting what stood in a place of a secret', () => {
    const { decoder, good } = DOCUMENTS['releasedKeys']!
    const misplaced = { ...good, keys: [{ keyId: 1, privateKey: `${bytes(32)}secret` }] }
    try {
      decodeDocument(encodeDocument(misplaced), decoder)
      expect.unreachable()
    } catch (error) {
      expect(JSON.stringify([error, (error as Error).message])).not.toContain('secret')
    }
  })
})

function many<T>(count: number, item: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => item(i))
}

function key(members: object): object {
  return { keyId: 1, config: bytes(60), policy: DIGEST, notBefore: 5, notAfter: 60, ...members }
}
