import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AzureResponseOpener, parseKeyList } from '@sotto/protocol/azure-dialect'
import { encodeRequest } from '@sotto/protocol/bhttp'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { OhttpClientKey } from '@sotto/protocol/ohttp'
import { claim } from '../claims.ts'
import { demoRecording, startTestStack, type TestStack } from './support.ts'

const BOUNDARY = 'AaBb03x'
let stack: TestStack
beforeAll(async () => {
  stack = await startTestStack({ compat: 'azure' })
}, 90_000)
afterAll(() => stack.close())

/** One upload as clients of the dialect send it: no authority, no date, one ciphertext. */
async function transcribe(recording: Uint8Array): Promise<{ response: Response; text: string }> {
  const [config] = parseKeyList(await (await fetch(new URL('/discover', stack.azure!.score))).text())
  const sealer = new OhttpClientKey(config!, config!.algorithms[0]!).request({ isChunked: false })
  const form = concat(
    utf8(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n`),
    utf8('Content-Type: audio/x-wav\r\n\r\n'),
    recording,
    utf8(`\r\n--${BOUNDARY}--\r\n`),
  )
  const head = {
    method: 'POST',
    scheme: 'https',
    authority: '',
    path: '/v1/audio/transcriptions',
    fields: [
      ['content-type', `multipart/form-data; boundary=${BOUNDARY}`],
      ['content-length', `${form.length}`],
    ] as const,
  }
  const body = concat(...sealer.seal(concat(...encodeRequest(head, { content: [form] }))), ...sealer.end())
  const response = await fetch(stack.azure!.score, {
    method: 'POST',
    headers: { 'content-type': 'message/ohttp-chunked-req' },
    body: body as Uint8Array<ArrayBuffer>,
  })
  const opener = new AzureResponseOpener(sealer.openUnframed())
  const parts = opener.push(new Uint8Array(await response.arrayBuffer()))
  opener.finish()
  return { response, text: new TextDecoder().decode(concat(...parts)) }
}

test('a client of the dialect gets its transcript, whole, from a stack whose KMS was checked', async () => {
  expect(await readFile(stack.azure!.serviceFile, 'utf8')).toMatch(/^-----BEGIN CERTIFICATE-----/)
  const { response, text } = await transcribe(await demoRecording(stack.layout))
  expect(response.status).toBe(200)
  expect((JSON.parse(text) as { text: string }).text).toMatch(/thursday/)
}, 60_000)

test(
  claim('see.network', 'what is wrong with a recording stands inside'),
  async () => {
    const { response, text } = await transcribe(utf8('this is no recording'))
    expect([response.status, [...response.headers.keys()].filter((name) => name.startsWith('x-'))]).toEqual([
      400,
      [],
    ])
    expect(JSON.parse(text)).toMatchObject({ error: { type: 'invalid_request_error' } })
  },
  60_000,
)
