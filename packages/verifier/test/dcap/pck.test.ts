import { describe, expect, it } from 'vitest'
import { createFakeIntel, FAKE_PLATFORM, field, pckExtension } from '@sotto/testkit/dcap'
import { derWriter } from '@sotto/testkit/x509'
import { parsePckExtension } from '@sotto/verifier/dcap'

const parse = (...extensions: ReturnType<typeof pckExtension>[]) =>
  parsePckExtension(createFakeIntel({ pck: { extensions } }).pck.certificate)
const refused = expect.objectContaining({
  code: expect.stringMatching(/^EVIDENCE_MALFORMED$|^X509_MALFORMED$/),
})
const { integer, octets, sequence, boolean } = derWriter

describe('the SGX extension of a PCK certificate', () => {
  it('returns what it was made of', () => {
    const components = Array.from({ length: 16 }, (_, i) => 255 - i)
    expect(parse(pckExtension({ components, pcesvn: 0x1234, sgxType: 2 }))).toEqual({
      ...FAKE_PLATFORM,
      components,
      pcesvn: 0x1234,
      sgxType: 'scalable with integrity',
      configuration: { dynamicPlatform: true, cachedKeys: true, smtEnabled: true },
    })
  })

  it('has no platform instance from the Processor CA', () => {
    const parsed = parse(pckExtension({ platformInstanceId: null }))
    expect(parsed).not.toHaveProperty('platformInstanceId')
    expect(parsed).not.toHaveProperty('configuration')
  })

  it.each<[string, ReturnType<typeof pckExtension>[]]>([
    ['is missing', []],
    ['has a shorter PPID', [pckExtension({ ppid: new Uint8Array(15) })]],
    ['has a longer FMSPC', [pckExtension({ fmspc: new Uint8Array(7) })]],
    ['has an unknown type of SGX', [pckExtension({ sgxType: 3 })]],
    ['has 15 components', [pckExtension({ components: Array.from({ length: 15 }, () => 1) })]],
    ['has 17 components', [pckExtension({ components: Array.from({ length: 17 }, () => 1) })]],
    ['has a component of two bytes', [pckExtension({ components: Array.from({ length: 16 }, () => 256) })]],
    ['has a field twice', [pckExtension({}, field('4', octets(FAKE_PLATFORM.fmspc)))]],
    ['has an unknown field', [pckExtension({}, field('8', integer(Uint8Array.of(1))))]],
    ['has a field of another tree', [pckExtension({}, field('4.1', integer(Uint8Array.of(1))))]],
    [
      'has an unknown setting',
      [pckExtension({ platformInstanceId: null }, field('7', sequence(field('7.4', boolean(true)))))],
    ],
    ['is cut off', [{ ...pckExtension(), value: pckExtension().value.subarray(0, -1) }]],
    ['is empty', [{ ...pckExtension(), value: new Uint8Array(0) }]],
  ])('is refused when it %s', (_what, extensions) => {
    expect(() => parse(...extensions)).toThrow(refused)
  })
})
