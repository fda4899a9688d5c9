import { describe, expect, it } from 'vitest'
import { toHex, utf8 } from '@sotto/protocol/bytes'
import { type FakeDocumentOptions, fakeNitro } from '@sotto/testkit/nitro'
import { FAKE_NOW, fakePem, fakeRoot } from '@sotto/testkit/x509'
import type { EvidenceInput, EvidenceVerdict } from '@sotto/verifier/family'
import { type NitroPolicy, nitroPolicyDecoder, verifyNitro } from '@sotto/verifier/nitro'

const nitro = fakeNitro()
const judge = (
  options: FakeDocumentOptions = {},
  input: Partial<EvidenceInput<NitroPolicy>> = {},
): EvidenceVerdict =>
  verifyNitro(
    { evidence: nitro.document(options), collateral: {}, at: FAKE_NOW, ...input },
    { roots: nitro.roots },
  )
/** Failed steps with their classes. */
const failed = ({ steps }: EvidenceVerdict): Record<string, string | undefined> =>
  Object.fromEntries(steps.filter(({ status }) => status === 'fail').map((step) => [step.name, step.class]))
const statusOf = ({ steps }: EvidenceVerdict, name: string): string | undefined =>
  steps.find((step) => step.name === name)?.status

describe('a genuine document', () => {
  it('is accepted, and says whom one trusts and until when', () => {
    expect(judge()).toMatchObject({
      family: 'nitro',
      authentic: true,
      acceptable: true,
      reason: null,
      validUntil: FAKE_NOW + 10_740,
      trustedParties: [expect.stringContaining('Amazon')],
      fields: { signature: 'valid', debug_mode: false, root_sha256: expect.any(String) as string },
    })
  })

  it('is not accepted under the root of AWS when another cloud wrote it', () => {
    const verdict = verifyNitro({ evidence: nitro.document(), collateral: {}, at: FAKE_NOW })
    expect(failed(verdict)).toEqual({ 'nitro.chain': 'chain' })
  })

  it('is judged the same the second time, when its issuers are known', () => {
    const first = judge()
    expect({ ...judge(), fields: {} }).toEqual({ ...first, fields: {} })
  })
})

describe('the algorithm', () => {
  it('is ES384 and no other, even if the key fits another', () => {
    const signer = nitro.instance.issue({ curve: 'P-256', notAfter: FAKE_NOW + 60 })
    const verdict = judge({ signer, protectedHeader: new Map([[1, -7]]) })
    expect(verdict.reason).toBe('algorithm')
    expect(failed(verdict)).toHaveProperty(['nitro.signature'])
  })

  it('is not believed when the key is of another curve', () => {
    const signer = nitro.instance.issue({ curve: 'P-256', notAfter: FAKE_NOW + 60 })
    expect(failed(judge({ signer }))).toEqual({ 'nitro.signature': 'signature' })
  })
})

describe('the chain', () => {
  const { root, issuers, instance, signer } = nitro
  const chained = (verdict: EvidenceVerdict): void =>
    expect(failed(verdict)).toEqual({ 'nitro.chain': 'chain' })

  it('ends in the pinned root, not in one of the same name', () => {
    const other = fakeNitro()
    chained(judge({ signer: other.signer, issuers: other.issuers }))
    const namesake = fakeRoot({ commonName: root.commonName, curve: 'P-384' })
    const forged = namesake.issue({ commonName: signer.commonName })
    chained(judge({ signer: forged, issuers: [namesake] }))
    chained(judge({ signer: forged, issuers: [namesake, root] }))
  })

  it('has the root first in its bundle and every certificate in order', () => {
    chained(judge({ issuers: issuers.slice(0, -1) }))
    chained(judge({ issuers: issuers.toReversed() }))
    chained(judge({ issuers: issuers.slice(1) }))
    chained(judge({ issuers: [...issuers, root] }))
    chained(judge({ issuers: [instance, issuers[2]!, issuers[1]!, root] }))
  })

  it('is verified for every leaf, when its issuers are known as well', () => {
    expect(judge().acceptable).toBe(true)
    const stranger = fakeNitro().instance.issue({ issuerName: instance.commonName })
    chained(judge({ signer: stranger }))
    expect(judge({ signer: instance.issue({ commonName: 'another enclave' }) }).acceptable).toBe(true)
  })

  it('does not go through a certificate that is no authority, or not allowed so far down', () => {
    const leaf = signer.issue({ commonName: 'below a leaf' })
    chained(judge({ signer: leaf, issuers: [signer, ...issuers] }))
    const deeper = instance.issue({ ca: true, commonName: 'one too many' })
    chained(judge({ signer: deeper.issue(), issuers: [deeper, ...issuers] }))
  })

  it('begins with a certificate for signing documents', () => {
    chained(judge({ signer: instance, issuers: issuers.slice(1) }))
    chained(judge({ signer: instance.issue({ keyUsage: 1 << 4 }) }))
    chained(judge({ signer: instance.issue({ keyUsage: null }) }))
  })

  it('has no critical extension that is not understood', () => {
    const extensions = [{ oid: '1.2.3.4', critical: true, value: Uint8Array.of(5, 0) }]
    chained(judge({ signer: instance.issue({ extensions }) }))
  })

  it('is malformed with a certificate that is none', () => {
    const verdict = judge({ fields: { certificate: Uint8Array.of(1, 2, 3) } })
    expect(failed(verdict)).toEqual({ 'nitro.certificates': 'malformed' })
    expect(statusOf(verdict, 'nitro.signature')).toBe('skipped')
  })
})

describe('time', () => {
  const expired = { 'nitro.validity': 'expired' }

  it('is within all certificates at the time of checking', () => {
    expect(judge({}, { at: FAKE_NOW + 10_740 }).acceptable).toBe(true)
    expect(failed(judge({}, { at: FAKE_NOW + 10_741 }))).toEqual(expired)
    expect(failed(judge({}, { at: FAKE_NOW - 61 }))).toMatchObject(expired)
    expect(failed(judge({}, { at: Number.NaN }))).toMatchObject(expired)
  })

  it('is within all certificates when the document was made', () => {
    const before = judge({ fields: { timestamp: (FAKE_NOW - 61) * 1000 } })
    expect(failed(before)).toEqual(expired)
    const signer = nitro.instance.issue({ notBefore: FAKE_NOW - 10, notAfter: FAKE_NOW + 100 })
    const after = judge({ signer, fields: { timestamp: (FAKE_NOW + 101) * 1000 } }, { at: FAKE_NOW + 90 })
    expect(failed(after)).toEqual(expired)
  })

  it('is not in the future, but for clocks that are a minute apart', () => {
    const made = (seconds: number): EvidenceVerdict =>
      judge({ fields: { timestamp: (FAKE_NOW + seconds) * 1000 } })
    expect(made(60).acceptable).toBe(true)
    expect(failed(made(61))).toEqual({ 'nitro.timestamp': 'expired' })
  })

  it('is within the age that the policy allows', () => {
    const aged = (maxAgeSeconds: number): EvidenceVerdict =>
      judge({}, { at: FAKE_NOW + 300, policy: { maxAgeSeconds } })
    expect(aged(300)).toMatchObject({ acceptable: true, validUntil: FAKE_NOW + 300 })
    expect(failed(aged(299))).toEqual({ 'nitro.age': 'expired' })
    expect(aged(299).authentic).toBe(true)
  })
})

describe('what is expected', () => {
  const bound = (expectedReportData?: Uint8Array): EvidenceVerdict =>
    judge({}, expectedReportData === undefined ? {} : { expectedReportData })

  it('is compared with the user data, never skipped', () => {
    expect(bound(Uint8Array.of(4, 5, 6)).acceptable).toBe(true)
    for (const other of [
      Uint8Array.of(4, 5),
      Uint8Array.of(4, 5, 7),
      Uint8Array.of(4, 5, 6, 0),
      new Uint8Array(0),
    ])
      expect(failed(bound(other))).toEqual({ 'nitro.binding': 'binding' })
    expect(statusOf(bound(), 'nitro.binding')).toBe('skipped')
  })

  it('is not nothing: an empty expectation is refused where there is no user data', () => {
    const verdict = judge({ fields: { user_data: undefined } }, { expectedReportData: new Uint8Array(0) })
    expect(failed(verdict)).toEqual({ 'nitro.binding': 'binding' })
  })

  it.each([
    ['nitro.nonce', { nonces: ['070809'] }, { nonces: ['070800'] }, 'nonce'],
    ['nitro.user-data', { userData: ['00', '040506'] }, { userData: ['00'] }, 'user_data'],
    ['nitro.public-key', { publicKeys: ['010203'] }, { publicKeys: ['0102'] }, 'public_key'],
  ] as const)('is compared by %s where the policy names it', (name, right, wrong, field) => {
    expect(judge({}, { policy: right }).acceptable).toBe(true)
    expect(failed(judge({}, { policy: wrong }))).toEqual({ [name]: 'binding' })
    expect(failed(judge({ fields: { [field]: undefined } }, { policy: right }))).toEqual({
      [name]: 'binding',
    })
    expect(statusOf(judge(), name)).toBe('skipped')
  })
})

describe('the image', () => {
  const pcr = new Uint8Array(48).fill(0xab)

  it('is measured: an enclave whose registers are zero can be watched', () => {
    for (const index of [0, 1, 2]) {
      const verdict = judge({ pcrs: { [index]: new Uint8Array(48) } })
      expect(failed(verdict)).toEqual({ 'nitro.debug': 'debug' })
      expect(verdict).toMatchObject({ authentic: true, fields: { debug_mode: false } })
    }
    const zero = new Uint8Array(48)
    const debug = judge({ pcrs: { 0: zero, 1: zero, 2: zero } })
    expect(debug).toMatchObject({ acceptable: false, reason: 'debug', fields: { debug_mode: true } })
  })

  it('is not measured by registers that are not there', () => {
    const verdict = judge({ fields: { pcrs: new Map([[3, pcr]]) } })
    expect(failed(verdict)).toEqual({ 'nitro.debug': 'debug' })
  })

  it('is one that the policy names', () => {
    const named = (index: number, ...accepted: Uint8Array[]): EvidenceVerdict =>
      judge({ pcrs: { 0: pcr } }, { policy: { pcrs: { [index]: accepted.map(toHex) } } })
    expect(named(0, new Uint8Array(48), pcr).acceptable).toBe(true)
    expect(failed(named(0, new Uint8Array(48)))).toEqual({ 'nitro.pcrs': 'measurement' })
    expect(failed(named(31, new Uint8Array(48)))).toEqual({ 'nitro.pcrs': 'measurement' })
    expect(failed(judge({}, { policy: { allowDebug: true, pcrs: { 0: [toHex(pcr)] } } }))).toEqual({
      'nitro.pcrs': 'measurement',
    })
  })
})

it('shows everything that is wrong at once', () => {
  const verdict = judge(
    { pcrs: { 0: new Uint8Array(48) } },
    { at: FAKE_NOW + 20_000, policy: { nonces: ['00'] }, expectedReportData: utf8('x') },
  )
  expect(failed(verdict)).toEqual({
    'nitro.validity': 'expired',
    'nitro.binding': 'binding',
    'nitro.debug': 'debug',
    'nitro.nonce': 'binding',
  })
})

it('accepts the pinned root beside the document and nothing else', () => {
  const beside = (...pieces: Uint8Array[]): EvidenceVerdict =>
    judge({}, { collateral: Object.fromEntries(pieces.map((piece, index) => [`${index}`, piece])) })
  const { der } = nitro.root
  expect(beside(der, utf8(fakePem('CERTIFICATE', der))).acceptable).toBe(true)
  for (const piece of [nitro.instance.der, utf8('garbage'), new Uint8Array(0)])
    expect(failed(beside(der, piece))).toEqual({ 'nitro.collateral': 'collateral-invalid' })
})

describe('a policy', () => {
  it('is read as it was written', () => {
    const policy = {
      allowDebug: false,
      pcrs: { '0': ['ab'.repeat(48)] },
      nonces: ['0102'],
      maxAgeSeconds: 60,
    }
    expect(nitroPolicyDecoder(policy, 'policy')).toEqual(policy)
    expect(nitroPolicyDecoder({}, 'policy')).toEqual({})
  })

  it.each([
    ['an unknown member', { allowDebugging: true }],
    ['text for a switch', { allowDebug: 'false' }],
    ['an empty list of registers', { pcrs: { '0': [] } }],
    ['a register past the last', { pcrs: { '32': ['ab'.repeat(48)] } }],
    ['a register of another length', { pcrs: { '0': ['ab'.repeat(32)] } }],
    ['a register in capitals', { pcrs: { '0': ['AB'.repeat(48)] } }],
    ['an empty nonce', { nonces: [''] }],
    ['half a byte', { nonces: ['abc'] }],
    ['a nonce that is too long', { nonces: ['ab'.repeat(513)] }],
    ['an age of nothing', { maxAgeSeconds: 0 }],
    ['no object', null],
  ])('is malformed with %s', (_what, policy) => {
    expect(() => nitroPolicyDecoder(policy, 'policy')).toThrow(expect.objectContaining({ code: 'JCS_FIELD' }))
  })
})
