import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseManifest } from '../../src/console/manifest.ts'
import { FILES, manifestOf } from './pages.ts'

const HASH = 'ab'.repeat(32)
const refused = expect.objectContaining({ code: 'CLI_FILE', action: 'fix-input' }) as Error

describe('a manifest of pages', () => {
  it('names each file once, in order', () => {
    expect([...parseManifest(manifestOf()).keys()]).toEqual([
      'Trust-A1.js',
      'console.css',
      'console.js',
      'index.html',
    ])
  })

  it.each([
    ['nothing', ''],
    ['no first page', `${HASH}  a.js\n`],
    ['no line end', `${HASH}  index.html`],
    ['an empty line', `${HASH}  index.html\n\n`],
    ['one name twice', `${HASH}  index.html\n${HASH}  index.html\n`],
    ['another order', `${HASH}  index.html\n${HASH}  a.js\n`],
    ['a way out of the folder', `${HASH}  ../a.js\n${HASH}  index.html\n`],
    ['a folder', `${HASH}  a/b.js\n${HASH}  index.html\n`],
    ['a name that begins with a dot', `${HASH}  .a\n${HASH}  index.html\n`],
    ['a digest in capitals', `${HASH.toUpperCase()}  index.html\n`],
    ['a short digest', `${HASH.slice(2)}  index.html\n`],
    ['one space', `${HASH} index.html\n`],
    ['the configuration', `${HASH}  console.json\n${HASH}  index.html\n`],
    ['carriage returns', `${HASH}  index.html\r\n`],
    [
      'too many files',
      manifestOf({ ...FILES, ...Object.fromEntries([...Array(256).keys()].map((n) => [`x${n}`, ''])) }),
    ],
    ['too much', `${HASH}  index.html\n`.padEnd(70_000, 'x')],
  ])('with %s is refused', (_what, text) => {
    expect(() => parseManifest(text)).toThrow(refused)
  })

  it('of any text is read as it was written, or refused by name', () => {
    const line = fc.tuple(
      fc.constantFrom(HASH, HASH.slice(1)),
      fc.constantFrom('a', 'b.js', 'index.html', '/', ' '),
    )
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom('\n', ''), (lines, end) => {
        const text = lines.map(([hash, name]) => `${hash}  ${name}`).join('\n') + end
        try {
          const files = parseManifest(text)
          expect([...files].map(([name, hash]) => `${hash}  ${name}\n`).join('')).toBe(text)
        } catch (error) {
          expect(error).toEqual(refused)
        }
      }),
    )
  })
})
