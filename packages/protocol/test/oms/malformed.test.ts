import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '../../src/bytes/index.ts'
import { hasCode, SottoError } from '../../src/errors/index.ts'
import { parseOmsBundle, parseOmsStatement, verifyOmsWithKey } from '../../src/oms/index.ts'
import {
  type Bundle,
  digestOf,
  edited,
  pinned,
  resigned,
  setResources,
  signature,
  signText,
  type Statement,
} from './models.ts'

const verify = (bytes: Uint8Array): unknown => verifyOmsWithKey(parseOmsBundle(bytes), pinned)
const refused = (code: string): Error => expect.objectContaining({ code }) as Error

describe('a bundle', () => {
  it.each<[string, (bundle: Bundle) => void]>([
    ['another media type', (b) => (b.mediaType = 'application/vnd.dev.sigstore.bundle.v0.2+json')],
    ['another payload type', (b) => (b.dsseEnvelope.payloadType = 'application/json')],
    ['no signature', (b) => (b.dsseEnvelope.signatures = [])],
    ['two signatures', (b) => b.dsseEnvelope.signatures.push(b.dsseEnvelope.signatures[0]!)],
    ['a signature that is no base64', (b) => (b.dsseEnvelope.signatures[0]!.sig = '!!!!!!!!!!!!')],
    ['no signer', (b) => (b.verificationMaterial = { tlogEntries: [] })],
    [
      'two kinds of signer',
      (b) => (b.verificationMaterial['certificate'] = { rawBytes: 'AAAAAAAAAAAAAAAAAAAAAA==' }),
    ],
    ['an empty chain', (b) => (b.verificationMaterial = { x509CertificateChain: { certificates: [] } })],
    ['a hint that is no digest', (b) => (b.verificationMaterial['publicKey'] = { hint: 'key' })],
    ['an unknown member', (b) => (b.verificationMaterial['more'] = 1)],
    ['an empty payload', (b) => (b.dsseEnvelope.payload = '')],
  ])('with %s is refused', (_what, change) => {
    expect(() => parseOmsBundle(edited(change))).toThrow(refused('OMS_MALFORMED'))
  })

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['an open string', '{"mediaType":"'],
    ['a list', '[]'],
    ['a name twice', fromUtf8(signature).replace('"mediaType"', '"mediaType":1,"mediaType"')],
    [
      'a name twice in other spelling',
      fromUtf8(signature).replace('"mediaType"', '"media\\u0054ype":1,"mediaType"'),
    ],
    ['endless depth', '['.repeat(100_000)],
    ['bytes that are no text', '\ud800'],
  ])('that is %s is refused', (_what, text) => {
    expect(() => parseOmsBundle(utf8(text.toWellFormed()))).toThrow(refused('OMS_MALFORMED'))
  })

  it('that is too long is refused before it is read', () => {
    expect(() => parseOmsBundle(new Uint8Array(16_777_217))).toThrow(/too long/)
  })

  it('of any bytes is read or refused by name', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(utf8)), (bytes) => {
        expect(() => parseOmsBundle(bytes)).toThrow(SottoError)
        expect(() => parseOmsStatement(bytes)).toThrow(SottoError)
      }),
    )
  })
})

describe('a signed statement', () => {
  it.each<[string, (statement: Statement) => void]>([
    ['another type', (s) => Object.assign(s, { _type: 'https://in-toto.io/Statement/v0.1' })],
    ['another predicate', (s) => (s.predicateType = 'https://model_signing/Digests/v0.1')],
    ['two subjects', (s) => s.subject.push(s.subject[0]!)],
    ['no serialization', (s) => delete s.predicate.serialization['method']],
    ['an unknown method', (s) => (s.predicate.serialization['method'] = 'folders')],
    ['an unknown parameter', (s) => (s.predicate.serialization['follow'] = true)],
    ['a shard size without shards', (s) => (s.predicate.serialization['shard_size'] = 3)],
    ['no resource', (s) => (s.predicate.resources = [])],
    ['a digest of another kind', (s) => (s.predicate.resources[0]!.algorithm = 'sha512')],
    ['a short digest', (s) => (s.predicate.resources[0]!.digest = 'ab')],
    ['a digest in capitals', (s) => (s.predicate.resources[0]!.digest = 'AB'.repeat(32))],
  ])('with %s is refused', (_what, change) => {
    expect(() => verify(resigned(change))).toThrow(refused('OMS_MALFORMED'))
  })

  it('hashed with an unknown function is not supported', () => {
    const change = (s: Statement): void => void (s.predicate.serialization['hash_type'] = 'blake3')
    expect(() => verify(resigned(change))).toThrow(refused('OMS_UNSUPPORTED'))
  })

  it('with a name twice is refused', () => {
    const twice = edited((bundle) => {
      const text = fromUtf8(parseOmsBundle(signature).payload)
      signText(bundle, text.replace('"predicate":', '"predicate":{},"predicate":'))
    })
    expect(() => verify(twice)).toThrow(refused('OMS_MALFORMED'))
  })

  it('that contradicts its own digest is refused', () => {
    const change = (s: Statement): void => void (s.predicate.resources[0]!.digest = 'ab'.repeat(32))
    expect(() => verify(resigned(change))).toThrow(refused('OMS_CONTENT'))
  })

  it('may say more than is known of the predicate, as its version 1.0 has it', () => {
    const bytes = resigned((s) => (s.predicate['model_card'] = { any: 1.5 }))
    expect(verify(bytes)).toMatchObject({ name: 'model' })
  })
})

describe('a manifest', () => {
  const named = (...names: string[]): Uint8Array =>
    resigned((s) =>
      setResources(
        s,
        names.map((name, i) => ({ name, algorithm: 'sha256', digest: digestOf(`${i}`) })),
      ),
    )

  it.each([
    ['a parent', ['../weights']],
    ['a parent inside', ['a/../../weights']],
    ['an absolute path', ['/etc/passwd']],
    ['its own folder', ['.']],
    ['a dot segment', ['a/./b']],
    ['an empty segment', ['a//b']],
    ['a folder with a slash', ['a/']],
    ['a NUL', ['a\0b']],
    ['a line end', ['a\nb']],
    ['text turned around', ['a\u202eb']],
    ['a backslash', ['..\\weights']],
    ['a drive', ['c:weights']],
    ['a lone surrogate', ['a\ud800']],
    ['a file twice', ['a', 'b', 'a']],
    ['one file in two cases', ['Weights', 'weights']],
    ['one file in two Unicode forms', ['\u00e9', 'e\u0301']],
    ['a file that is a folder', ['a', 'a/b']],
    ['a file that is a folder in other case', ['a/b/c', 'A/B']],
    ['a name that is too long', ['x'.repeat(4097)]],
    ['a file in too many folders', [`${'a/'.repeat(64)}b`]],
  ])('is refused that names %s', (_what, names) => {
    expect(() => verify(named(...names))).toThrow(refused('OMS_PATH'))
  })

  it.each(['../out', '/', '', '.', 'a/..', '..'])('is refused that ignores %j', (path) => {
    const bytes = resigned((s) => (s.predicate.serialization['ignore_paths'] = [path]))
    expect(() => verify(bytes)).toThrow(SottoError)
  })

  const shards = (...names: string[]): Uint8Array =>
    resigned((s) => {
      s.predicate.serialization['method'] = 'shards'
      s.predicate.serialization['shard_size'] = 4.0
      setResources(
        s,
        names.map((name) => ({ name, algorithm: 'sha256-sharded-4', digest: digestOf(name) })),
      )
    })

  it('of shards has every byte of a file once', () => {
    expect(verify(shards('a:0:4', 'a:4:7', 'b:0:2'))).toMatchObject({
      resources: [
        { path: 'a', shard: { start: 0, end: 4 } },
        { path: 'a', shard: { start: 4, end: 7 } },
        { path: 'b', shard: { start: 0, end: 2 } },
      ],
    })
  })

  it.each([
    ['a gap', ['a:0:4', 'a:5:7']],
    ['an overlap', ['a:0:4', 'a:3:7']],
    ['the same part twice', ['a:0:4', 'a:0:4']],
    ['a late beginning', ['a:4:8']],
    ['a part that is too long', ['a:0:5']],
    ['a short part in the middle', ['a:0:3', 'a:3:7']],
    ['an empty part', ['a:0:0']],
    ['a part that runs backwards', ['a:4:2']],
    ['a number with a zero before it', ['a:00:4']],
    ['a number past any file', [`a:0:${'9'.repeat(17)}`]],
    ['no part', ['a']],
    ['a colon in the name', ['a:b:0:4']],
    ['a path that leads out', ['../a:0:4']],
  ])('of shards is refused for %s', (_what, names) => {
    expect(() => verify(shards(...names))).toThrow(refused('OMS_PATH'))
  })

  it('never names a path that leads out of its folder, whatever was signed', () => {
    const segment = fc.oneof(
      fc.constantFrom('..', '.', '', 'a', '\\', 'b:c', '\0'),
      fc.string({ maxLength: 4 }),
    )
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), (segments) => {
        const path = segments.join('/')
        try {
          verify(named(path))
        } catch (error) {
          expect(hasCode(error, 'OMS_PATH') || hasCode(error, 'OMS_MALFORMED')).toBe(true)
          return
        }
        expect(path.split('/').some((one) => one === '' || one === '.' || one === '..')).toBe(false)
        expect(path).not.toMatch(/[\\:\0]/)
      }),
      { numRuns: 200 },
    )
  })
})
