import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeMultipart, type MultipartPart, partsOfForm } from '../../src/multipart/index.ts'

const RUNS = process.env['SLOW'] ? 500 : 25

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  for await (const part of stream) parts.push(part)
  return new Uint8Array(Buffer.concat(parts))
}

function file(name: string, filename: string, content: string): MultipartPart {
  const blob = new Blob([content], { type: 'audio/wav' })
  return { name, filename, type: blob.type, size: blob.size, stream: () => blob.stream() }
}

describe('encodeMultipart', () => {
  it('writes text fields before files, whatever the order given', async () => {
    const body = encodeMultipart([file('file', 'a.wav', 'RIFF'), { name: 'model', value: 'whisper' }], 'B')
    expect(Buffer.from(await bytesOf(body.stream())).toString()).toBe(
      '--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper\r\n' +
        '--B\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n' +
        '--B--\r\n',
    )
  })

  it('says so in the content type, before the boundary that some read to the end of the line', () => {
    expect(encodeMultipart([], 'B').contentType).toBe('multipart/form-data; fields=first; boundary=B')
  })

  it('does not let a name end its header field', async () => {
    const body = encodeMultipart([file('f"\r\nX: y', 'q".wav\n', 'x')], 'B')
    const text = Buffer.from(await bytesOf(body.stream())).toString()
    expect(text).toContain('name="f%22%0D%0AX: y"; filename="q%22.wav%0A"\r\n')
  })

  it('encodes the same bytes each time', async () => {
    const body = encodeMultipart([file('file', 'a.wav', 'RIFF'), { name: 'model', value: 'm' }])
    expect(await bytesOf(body.stream())).toEqual(await bytesOf(body.stream()))
  })

  it('uses a fresh boundary each time', () => {
    expect(encodeMultipart([]).contentType).not.toBe(encodeMultipart([]).contentType)
  })

  it('is read back by the platform with the same fields, and states its exact length', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 }).map((value) => value.toWellFormed())
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(text, text), { maxLength: 5 }),
        fc.uint8Array(),
        async (fields, content) => {
          const form = new FormData()
          for (const [name, value] of fields) form.append(name, value)
          form.append('file', new File([new Uint8Array(content)], 'x.bin'))
          const body = encodeMultipart(partsOfForm(form))
          const bytes = await bytesOf(body.stream())
          expect(bytes.length).toBe(body.length)
          const back = await new Response(bytes, { headers: { 'content-type': body.contentType } }).formData()
          expect(new Uint8Array(await (back.get('file') as File).arrayBuffer())).toEqual(content)
          expect([...back].length).toBe([...form].length)
        },
      ),
      { numRuns: RUNS },
    )
  })

  it('does not know the length when a part does not', () => {
    const part: MultipartPart = {
      name: 'f',
      filename: 'f',
      type: '',
      size: undefined,
      stream: () => new Blob([]).stream(),
    }
    expect(encodeMultipart([part]).length).toBeUndefined()
  })
})
