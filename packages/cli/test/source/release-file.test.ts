import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseReleaseFile } from '../../src/source/release-file.ts'

const digest = 'ab'.repeat(32)
const role = { measurement: digest, image: digest, sbom: digest }
const good = {
  format: 'sotto-release/1',
  version: '1.0.0',
  flavour: 'release',
  arch: 'x64',
  source: { digest },
  roles: { kms: role },
}
const refused = expect.objectContaining({ code: 'CLI_FILE', action: 'fix-input' }) as Error

describe('release.json', () => {
  it('says what was measured', () => {
    expect(parseReleaseFile(JSON.stringify(good), 'file')).toEqual({
      version: '1.0.0',
      flavour: 'release',
      arch: 'x64',
      roles: { kms: { measurement: digest, statement: undefined } },
      pages: undefined,
    })
  })

  it('says which pages it has, with or without roles', () => {
    const web = { pages: digest, statements: { release: { envelope: 'x', index: 4 } } }
    const { pages } = parseReleaseFile(JSON.stringify({ ...good, roles: {}, console: web }), 'file')
    expect(pages).toEqual({ digest, statement: 'x' })
  })

  it.each([
    ['another format', { ...good, format: 'sotto-release/2' }],
    ['no role', { ...good, roles: {} }],
    ['an unknown role', { ...good, roles: { kms: role, relay: role } }],
    ['pages without a digest', { ...good, console: {} }],
    [
      'a statement about pages that is none of theirs',
      { ...good, console: { pages: digest, statements: { sbom: {} } } },
    ],
    ['a short digest', { ...good, roles: { kms: { ...role, measurement: 'ab' } } }],
    ['an unknown member', { ...good, more: 1 }],
    [
      'a negative index',
      { ...good, roles: { kms: { ...role, statements: { release: { envelope: 'x', index: -1 } } } } },
    ],
    [
      'an unknown statement',
      { ...good, roles: { kms: { ...role, statements: { other: { envelope: 'x' } } } } },
    ],
    [
      'an endless envelope',
      { ...good, roles: { kms: { ...role, statements: { release: { envelope: 'x'.repeat(65_536) } } } } },
    ],
    ['control characters in the version', { ...good, version: 'a\u001bb' }],
  ])('with %s is refused', (_what, document) => {
    expect(() => parseReleaseFile(JSON.stringify(document), 'file')).toThrow(refused)
  })

  it.each([
    ['a name twice', JSON.stringify(good).replace('"arch":"x64"', '"arch":"x64","arch":"x64"')],
    ['no JSON', '{'],
    ['nothing', ''],
    ['too much', JSON.stringify({ ...good, version: 'x'.repeat(1_100_000) })],
    ['depth', '['.repeat(100) + ']'.repeat(100)],
  ])('with %s is refused', (_what, text) => {
    expect(() => parseReleaseFile(text, 'file')).toThrow(refused)
  })

  it('of any text is read or refused by name', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(() => parseReleaseFile(text, 'file')).toThrow(refused)
      }),
    )
  })
})
