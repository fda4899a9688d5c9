import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { createSearch, nothingFound } from '../../src/demo/search.ts'
import { piecesOf, readModels, secretsOf, slicesOf } from '../../src/demo/secrets.ts'
import { FRAMES, GUISES, LEAKS, noise, SECRETS } from './leaks.ts'

const search = createSearch(SECRETS)
const MODELS = join(import.meta.dirname, '../../../../models')

describe('the search for secrets', () => {
  describe.each(GUISES)('%s', (_how, dress) => {
    it.each(LEAKS)('finds %s', (_what, kind, bytes) => {
      expect(search(Buffer.from(dress(bytes)))).toMatchObject({ [kind]: true })
    })
  })

  it('finds every frame of a streamed answer alone, though none holds a word of it', () => {
    const pieces = createSearch({ ...SECRETS, answer: piecesOf(FRAMES.join('')) })
    expect(pieces(Buffer.from('data: x'))).toEqual(nothingFound())
    for (const frame of FRAMES) expect(search(Buffer.from(frame)).answer).toBe(true)
  })

  it('finds nothing in bytes that hold nothing: ciphertext, proofs, signed statements', () => {
    expect(search(Buffer.from(noise(1_000_000, 99)))).toEqual(nothingFound())
    const outer =
      'POST /relay/inference HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: message/ohttp-chunked-req\r\n' +
      'user-agent: node\r\nauthorization: Bearer append\r\ncache-control: no-store\r\naccept: */*\r\n' +
      'transfer-encoding: chunked\r\n\r\n2a\r\n' +
      JSON.stringify({ checkpoint: 'x'.repeat(99), proof: ['ab'.repeat(32)], payload: 'eyJ2ZXJzaW9uIjoxfQ' })
    expect(search(Buffer.from(outer))).toEqual(nothingFound())
    expect(search(Buffer.alloc(0))).toEqual(nothingFound())
  })

  it('refuses a needle so short that chance would find it', () => {
    expect(() => createSearch({ ...SECRETS, inner: [utf8('/v1')] })).toThrow(TypeError)
  })
})

describe('pieces of a text', () => {
  it('leave no place where 16 bytes of it are not found', () => {
    const text = 'A sentence that nobody else may read, long enough to be cut anywhere.'
    const only = createSearch({ request: piecesOf(text), answer: [], inner: [], client: [], weights: [] })
    for (let at = 0; at + 16 <= text.length; at++)
      expect(only(Buffer.from(`##${text.slice(at, at + 16)}##`)).request, text.slice(at, at + 16)).toBe(true)
  })

  it('are no needles where they are short or always the same', () => {
    expect(piecesOf('yes')).toEqual([])
    expect(piecesOf('-'.repeat(60))).toEqual([])
    expect(piecesOf('eight ch')).toHaveLength(1)
  })
})

describe('slices of a file', () => {
  it('are not taken from bytes that are all alike', () => {
    expect(slicesOf(new Uint8Array(10_000))).toEqual([])
    expect(slicesOf(noise(10_240))).toHaveLength(40)
  })

  it('are not found in evidence: a few bytes before many zeros', async () => {
    const recording = await readFile(join(MODELS, 'demo', 'session-note.wav'))
    const { weights, models } = await readModels(MODELS)
    const everything = createSearch(
      secretsOf({ requests: [recording], answers: [], headers: [], weights, models }),
    )
    for (let byte = 0; byte < 256; byte++) {
      const report = Buffer.alloc(1184)
      report.set([byte, 0, 0, 0, byte], 0)
      report.set(noise(64, byte), 0x50)
      report.set([...noise(31, byte), byte], 0x1a0)
      for (const bytes of [report, Buffer.from(`{"report":"${report.toString('base64url')}"}`)])
        expect(everything(bytes)).toEqual(nothingFound())
    }
  })

  it('find any 4 KiB of any default model, and of the recording of the demo', async () => {
    const { models, weights } = await readModels(MODELS)
    expect(models.length).toBeGreaterThan(3)
    expect(weights.length).toBeGreaterThan(1)
    const recording = await readFile(join(MODELS, 'demo', 'session-note.wav'))
    const secrets = secretsOf({ requests: [recording], answers: [], headers: [], weights, models: [] })
    // Without the forms: the bytes themselves.
    const everything = createSearch(secrets)
    const blind: string[] = []
    let windows = 0
    for (const [kind, file] of [
      ...weights.map((file) => ['weights', file] as const),
      ['request', recording] as const,
    ]) {
      // Steps that are no multiple of a cell, so that windows begin everywhere in one; the last window too.
      for (
        let at = 0;
        at + 4096 <= file.length;
        at = Math.min(at + 3001, Math.max(at + 1, file.length - 4096))
      ) {
        windows++
        const window = Buffer.from(file.subarray(at, at + 4096))
        if (everything(window)[kind]) continue
        // Four KiB of one byte over and over are no secret: they stand anywhere.
        if (new Set(window).size > 1)
          blind.push(`${kind} at ${at} of ${file.length}: ${new Set(window).size} values`)
      }
    }
    expect(windows).toBeGreaterThan(2000)
    expect(blind).toEqual([])
  })
})
