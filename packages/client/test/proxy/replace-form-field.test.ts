import { describe, expect, it } from 'vitest'
import { replaceFormField } from '../../src/proxy/replace-form-field.ts'

async function* sliced(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text, 'latin1')
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size)
}

async function run(text: string, size = 7): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of replaceFormField(sliced(text, size), 'B', 'model', 'mine')) parts.push(part)
  return Buffer.concat(parts).toString('latin1')
}

const field = (name: string, value: string): string =>
  `--B\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
const FILE =
  '--B\r\nContent-Disposition: form-data; name="file"; filename="model"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n-\r\n--Bx'
    .replace('--Bx', '--A')
    .concat('\r\n')

describe('replaceFormField', () => {
  it.each([1, 2, 3, 5, 64, 1000])('replaces the field in chunks of %i bytes', async (size) => {
    const out = await run(`${field('model', 'theirs')}${FILE}${field('language', 'de')}--B--\r\n`, size)
    expect(out).toBe(`${field('model', 'mine')}${FILE}${field('language', 'de')}--B--\r\n`)
  })

  it('adds the field where there was none, and keeps a file that is called model', async () => {
    const namedModel = FILE.replace('name="file"', 'name="model"')
    expect(await run(`${namedModel}--B--\r\n`)).toBe(`${field('model', 'mine')}${namedModel}--B--\r\n`)
  })

  it('drops a preamble and an epilogue', async () => {
    expect(await run(`hello\r\n${field('a', 'b')}--B--\r\nbye`)).toBe(
      `${field('model', 'mine')}${field('a', 'b')}--B--\r\n`,
    )
  })

  it.each([
    ['an empty body', ''],
    ['no final boundary', field('a', 'b')],
    ['a cut file', FILE.slice(0, -5)],
    ['an endless part head', `--B\r\n${'x'.repeat(20_000)}`],
  ])('refuses %s', async (_, text) => {
    await expect(run(text, 4096)).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  })
})
