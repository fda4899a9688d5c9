import { expect, it } from 'vitest'
import { fakeApi } from './support.ts'
import { form } from './upload-forms.ts'

const FIELDS_FIRST = '; fields=first'

it('the engine begins with the first bytes of a file whose fields came first', async () => {
  const { api, hold } = fakeApi()
  hold(true)
  let controller!: ReadableStreamDefaultController<Uint8Array>
  const body = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) })
  controller.enqueue(
    Buffer.from(
      '--B\r\ncontent-disposition: form-data; name="model"\r\n\r\nlistener\r\n--B\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nRIFF and a little of what follows it',
    ),
  )
  const answer = api(
    new Request('https://inference.sotto/v1/audio/transcriptions', {
      method: 'POST',
      headers: { 'content-type': `multipart/form-data${FIELDS_FIRST}; boundary=B` },
      body,
      duplex: 'half',
    } as RequestInit),
  )
  await expect.poll(() => hold(true)).toBe(1)
  hold(false)
  controller.enqueue(Buffer.from('the rest\r\n--B--\r\n'))
  controller.close()
  expect((await answer).status).toBe(200)
})

it.each([
  [
    'is cut',
    form(
      [
        ['model', 'listener'],
        ['file', new Uint8Array(5000)],
      ],
      { type: FIELDS_FIRST, end: false },
    ),
  ],
  [
    'has a field behind its file all the same',
    form(
      [
        ['file', new Uint8Array(5000)],
        ['model', 'listener'],
      ],
      { type: FIELDS_FIRST },
    ),
  ],
])('a form that %s is refused, and never transcribed as whole', async (_, request) => {
  const { api, asked } = fakeApi()
  const response = await api(request)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { code: 'api_invalid' } })
  expect(asked.transcribe).toEqual([])
})

it('a streamed answer to a form that is cut says so, and is cut', async () => {
  const { api, asked } = fakeApi()
  const parts = [
    ['model', 'listener'],
    ['stream', 'true'],
    ['file', new Uint8Array(5000)],
  ] as const
  const response = await api(
    form(
      parts.map(([name, value]) => [name, value]),
      { type: FIELDS_FIRST, end: false },
    ),
  )
  if (response.status === 200) await expect(response.text()).rejects.toThrow()
  else expect(response.status).toBe(400)
  expect(asked.transcribe).toEqual([])
})
