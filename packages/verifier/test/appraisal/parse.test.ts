import { describe, expect, it } from 'vitest'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { encodeEvidencePolicy, parseEvidencePolicy } from '@sotto/verifier/appraisal'
import { FAKE_FAMILIES } from './fake-families.ts'

const parse = (document: object | string): ReturnType<typeof parseEvidencePolicy> =>
  parseEvidencePolicy(document, FAKE_FAMILIES)
const malformed = (message: RegExp): unknown =>
  expect.objectContaining({
    code: 'POLICY_MALFORMED',
    action: 'fix-input',
    message: expect.stringMatching(message) as string,
  })

const SNP = { family: 'sev-snp', measurements: ['aa'] }
const GPU = { family: 'nvidia' }
const tuple = (changes: object = {}): object => ({ name: 'a', allOf: [SNP], ...changes })
const policy = (changes: object = {}): object => ({
  version: 1,
  name: 'fleet',
  anyOf: [tuple()],
  freshness: 'nonce',
  evidenceMaxAgeSeconds: 3600,
  ...changes,
})
const component = (changes: object): object => policy({ anyOf: [tuple({ allOf: [{ ...SNP, ...changes }] })] })
const measurements = (...list: unknown[]): object => component({ measurements: list })

describe('an evidence policy', () => {
  it.each([
    ['the least', policy()],
    ['ages', policy({ collateralMaxAgeSeconds: 86_400, revocationMaxAgeSeconds: 1 })],
    ['a window of a tuple', policy({ anyOf: [tuple({ notBefore: 5, notAfter: 5 })] })],
    ['windows of entries', measurements('aa', { value: 'bb', notAfter: 9 }, { value: 'cc', notBefore: 9 })],
    ['one value at two times', measurements({ value: 'aa', notAfter: 4 }, { value: 'aa', notBefore: 5 })],
    ['windows inside', component({ registers: [{ index: 0, values: [{ value: 'a0', notAfter: 9 }] }] })],
    [
      'a GPU beside a processor',
      policy({ anyOf: [tuple({ allOf: [SNP, GPU], gpuBinding: { minGpus: 1, maxGpus: 16 } })] }),
    ],
    ['software alone', policy({ anyOf: [tuple({ allOf: [{ family: 'software' }] })] })],
    ['sixteen tuples', policy({ anyOf: tuples(16) })],
  ])('may have %s', (_, document) => {
    const parsed = parse(document)
    expect(parsed).toEqual(document)
    // Its canonical bytes are the same policy.
    expect(parse(fromUtf8(encodeEvidencePolicy(parsed)))).toEqual(parsed)
  })

  it.each<[string, object | string, RegExp]>([
    ['nothing', '', /not JSON/],
    ['no object', '[]', /policy is malformed/],
    ['no JSON', '{', /not JSON/],
    ['bytes that are no text', { toString: 1 } as never, /toString/],
    ['a name twice', JSON.stringify(policy()).replace('"version":1', '"version":1,"version":1'), /twice/],
    ['an unknown member', policy({ notes: '' }), /policy\.notes/],
    ['a prototype', JSON.stringify(policy()).replace('{', '{"__proto__":{},'), /__proto__/],
    ['another version', policy({ version: 2 }), /policy\.version/],
    ['no version', policy({ version: undefined }), /policy\.version/],
    ['no freshness', policy({ freshness: undefined }), /policy\.freshness/],
    ['another freshness', policy({ freshness: 'none' }), /policy\.freshness/],
    ['a name that draws on terminals', policy({ name: 'a\u001b[2J' }), /policy\.name/],
    ['no tuple', policy({ anyOf: [] }), /policy\.anyOf/],
    ['too many tuples', policy({ anyOf: tuples(17) }), /policy\.anyOf/],
    ['evidence of any age', policy({ evidenceMaxAgeSeconds: 86_401 }), /evidenceMaxAgeSeconds/],
    ['an age of nothing', policy({ evidenceMaxAgeSeconds: 0 }), /evidenceMaxAgeSeconds/],
    ['a fraction', policy({ evidenceMaxAgeSeconds: 1.5 }), /canonical form|evidenceMaxAgeSeconds/],
    ['a number as text', policy({ evidenceMaxAgeSeconds: '60' }), /evidenceMaxAgeSeconds/],
    ['years of collateral', policy({ collateralMaxAgeSeconds: 366 * 86_400 + 1 }), /collateralMaxAgeSeconds/],
    ['revocation without end', policy({ revocationMaxAgeSeconds: null }), /revocationMaxAgeSeconds/],
    ['a tuple without a name', policy({ anyOf: [tuple({ name: '' })] }), /anyOf\[0\]\.name/],
    ['a tuple name in capitals', policy({ anyOf: [tuple({ name: 'A' })] }), /anyOf\[0\]\.name/],
    ['two tuples of one name', policy({ anyOf: [tuple(), tuple({ notAfter: 9 })] }), /name stands twice/],
    ['a tuple twice', policy({ anyOf: [tuple(), tuple({ name: 'b' })] }), /stands twice/],
    ['a tuple of nothing', policy({ anyOf: [tuple({ allOf: [] })] }), /allOf/],
    ['an unknown member of a tuple', policy({ anyOf: [tuple({ anyOf: [] })] }), /anyOf\[0\]\.anyOf/],
    ['a window that never opens', policy({ anyOf: [tuple({ notBefore: 6, notAfter: 5 })] }), /never holds/],
    ['a family this version does not know', component({ family: 'sev' }), /allOf\[0\]\.family/],
    ['a component without a family', policy({ anyOf: [tuple({ allOf: [{}] })] }), /allOf\[0\]\.family/],
    ['a component that is a list', policy({ anyOf: [tuple({ allOf: [[]] })] }), /allOf\[0\]/],
    [
      'a family twice',
      policy({ anyOf: [tuple({ allOf: [SNP, { family: 'sev-snp' }] })] }),
      /family stands twice/,
    ],
    [
      'a GPU alone',
      policy({ anyOf: [tuple({ allOf: [GPU], gpuBinding: { minGpus: 1, maxGpus: 1 } })] }),
      /GPU alone is never acceptable/,
    ],
    [
      'a GPU that no processor vouches for',
      policy({ anyOf: [tuple({ allOf: [SNP, GPU] })] }),
      /gpuBinding is missing/,
    ],
    [
      'GPUs that are not there',
      policy({ anyOf: [tuple({ gpuBinding: { minGpus: 1, maxGpus: 1 } })] }),
      /without a GPU/,
    ],
    [
      'no GPU as a GPU',
      policy({ anyOf: [tuple({ allOf: [SNP, GPU], gpuBinding: { minGpus: 0, maxGpus: 1 } })] }),
      /minGpus/,
    ],
    [
      'fewer GPUs than at least',
      policy({ anyOf: [tuple({ allOf: [SNP, GPU], gpuBinding: { minGpus: 2, maxGpus: 1 } })] }),
      /larger than maxGpus/,
    ],
    [
      'software beside hardware',
      policy({ anyOf: [tuple(), tuple({ name: 'b', allOf: [{ family: 'software' }] })] }),
      /software and hardware in one policy/,
    ],
    [
      'software and hardware in one tuple',
      policy({ anyOf: [tuple({ allOf: [SNP, { family: 'software' }] })] }),
      /software and hardware in one tuple/,
    ],
    [
      'two processors in one tuple',
      policy({ anyOf: [tuple({ allOf: [SNP, { family: 'tdx' }] })] }),
      /two processors/,
    ],
    ['an unknown member of a family', component({ measurement: ['aa'] }), /allOf\[0\]\.measurement/],
    ['a wrong type in a family', component({ allowDebug: 'no' }), /allowDebug/],
    ['an empty allow-list', measurements(), /measurements/],
    ['a value in capitals', measurements('AA'), /measurements/],
    ['a value twice', measurements('aa', 'aa'), /stands twice for the same time/],
    ['a value twice with a window', measurements('aa', { value: 'aa', notAfter: 9 }), /same time/],
    [
      'overlapping windows of a value',
      measurements({ value: 'aa', notAfter: 5 }, { value: 'aa', notBefore: 5 }),
      /same time/,
    ],
    ['a window without ends', measurements({ value: 'aa' }), /no window/],
    [
      'a window that never opens in a list',
      measurements({ value: 'aa', notBefore: 6, notAfter: 5 }),
      /never holds/,
    ],
    ['a window with another member', measurements({ value: 'aa', notAfter: 5, note: '' }), /unknown member/],
    ['a window without a value', measurements({ notAfter: 5 }), /measurements/],
    ['a window in words', measurements({ value: 'aa', notAfter: '2027-01-01' }), /notAfter/],
    ['a window before all time', measurements({ value: 'aa', notBefore: -1 }), /notBefore/],
    [
      'a window in a window',
      measurements({ value: { value: 'aa', notAfter: 5 }, notAfter: 5 }),
      /measurements/,
    ],
    ['a window of a demand', component({ features: [{ value: 'ecc', notAfter: 5 }] }), /features/],
    [
      'a window of a register',
      component({ registers: [{ value: { index: 0, values: ['a0'] }, notAfter: 5 }] }),
      /registers/,
    ],
    ['too much nesting', '['.repeat(40) + ']'.repeat(40), /nested too deeply/],
    ['too much of it', `{"name":"${'x'.repeat(1_100_000)}"}`, /too long/],
  ])('is refused with %s', (_, document, message) => {
    expect(() => parse(document)).toThrow(malformed(message))
  })
})

function tuples(count: number): object[] {
  return Array.from({ length: count }, (_, index) => tuple({ name: `t${index}`, notAfter: index + 1 }))
}
