import { InvalidArgumentError } from 'commander'
import { describe, expect, it } from 'vitest'
import { up } from '../../src/commands/stack/up.ts'
import { parseSizeFlag } from '../../src/framework/size-flag.ts'

const spec = { type: 'size', value: 'SIZE', summary: '', min: 1024, max: 2 ** 30 } as const
const parse = (text: string): number => parseSizeFlag('max-upload', spec, text)

describe('a flag that is a size', () => {
  it.each([
    ['1024', 1024],
    ['5000b', 5000],
    ['512MB', 512_000_000],
    ['512mb', 512_000_000],
    ['512 MB', 512_000_000],
    ['512MiB', 512 * 2 ** 20],
    ['1GiB', 2 ** 30],
    ['1gb', 1_000_000_000],
    ['1.5MiB', 1_572_864],
    ['2KiB', 2048],
    ['2kb', 2000],
  ])('%s is %i bytes', (text, bytes) => {
    expect(parse(text)).toBe(bytes)
  })

  it.each([
    '',
    'MB',
    '-1',
    '1e9',
    '0x400',
    '1 2MB',
    '512M B',
    '5XB',
    '1.MB',
    'toString',
    '512toString',
    'NaN',
  ])('%j is none', (text) => {
    expect(() => parse(text)).toThrow(InvalidArgumentError)
  })

  it.each(['1023', '1KB', '2GiB', '9'.repeat(400)])('%s is out of bounds, which are named', (text) => {
    expect(() => parse(text)).toThrow(
      '--max-upload takes a size such as 512MB or 1GiB, from 1.0 KiB to 1.0 GiB.',
    )
  })

  it('is what sotto up takes as its largest recording', () => {
    expect(up.flags['max-upload']).toMatchObject({ type: 'size', min: 1024, max: 2 ** 30 })
  })
})
