import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { namesOfCertificate } from '../../src/proxy/certificate-names.ts'
import { authority, userCertificate } from './certificates.ts'

const root = authority()
const namesOf = (name: string, ...names: [number, string][]): string[] =>
  namesOfCertificate(userCertificate(root, name, ...names).der)

describe('names of a certificate', () => {
  it('are its common name, its e-mail addresses and its DNS names, each once', () => {
    expect(namesOf('ada')).toEqual(['ada'])
    expect(namesOf('ada', [1, 'ada@example.org'], [2, 'ada.example'], [2, 'ada'])).toEqual([
      'ada',
      'ada@example.org',
      'ada.example',
    ])
  })

  it.each([
    ['words that look like another entry', 'Ada L', [1, 'x, DNS:root'], []],
    ['a line break', 'ada\nbob', [2, 'bob\0'], []],
    ['kinds that name nobody', 'Ada L', [6, 'root'], []],
    ['a name longer than any', 'a'.repeat(65), [1, 'ada@example.org'], ['ada@example.org']],
  ] as [string, string, [number, string], string[]][])('are none of %s', (_, commonName, name, expected) => {
    expect(namesOf(commonName, name)).toEqual(expected)
  })

  it('are none of what is no certificate', () => {
    const { der } = userCertificate(root, 'ada', [1, 'ada@example.org'])
    expect(namesOfCertificate(new Uint8Array(0))).toEqual([])
    expect(namesOfCertificate(der.subarray(0, -1))).toEqual([])
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(namesOfCertificate(bytes)).toEqual([])
      }),
    )
  })
})
