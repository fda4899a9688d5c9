import { describe, expect, it } from 'vitest'
import { fakeApi } from './support.ts'
import { form, MIB, type Part, stalled } from './upload-forms.ts'

describe('what waits is freed', () => {
  const large = new Uint8Array(3 * MIB)

  it.each<[string, Part[], number]>([
    [
      'a model that does not exist',
      [
        ['file', large],
        ['model', 'nobody'],
      ],
      404,
    ],
    [
      'a field that is wrong',
      [
        ['file', large],
        ['model', 'listener'],
        ['temperature', '9'],
      ],
      400,
    ],
    [
      'an engine that dies',
      [
        ['file', large],
        ['model', 'listener'],
        ['prompt', 'crash'],
      ],
      503,
    ],
    [
      'an engine that dies, streamed',
      [
        ['file', large],
        ['prompt', 'crash'],
        ['stream', 'true'],
      ],
      503,
    ],
    [
      'a second file',
      [
        ['file', large],
        ['file', large],
        ['model', 'listener'],
      ],
      400,
    ],
  ])('after %s', async (_what, parts, status) => {
    const { api, room } = fakeApi()
    expect((await api(form(parts))).status).toBe(status)
    expect(room.files).toBe(0)
  })

  it('after a form that is cut, which is never transcribed', async () => {
    const { api, asked, room } = fakeApi()
    const response = await api(
      form(
        [
          ['model', 'listener'],
          ['file', large],
        ],
        { end: false },
      ),
    )
    expect([response.status, asked.transcribe, room.files]).toEqual([400, [], 0])
  })

  it('when the client leaves during the upload', async () => {
    const { api, room } = fakeApi()
    const { request, fail } = stalled(3 * MIB)
    const pending = api(request)
    await expect.poll(() => room.files).toBe(1)
    fail()
    await pending
    expect(room.files).toBe(0)
  })

  it('when the client leaves while the recording still waits for its engine', async () => {
    const leaves = new AbortController()
    const { api, room, hold } = fakeApi()
    hold(true)
    const parts: Part[] = [
      ['file', large],
      ['model', 'listener'],
    ]
    const pending = api(new Request(form(parts), { signal: leaves.signal }))
    await expect.poll(() => room.files).toBe(1)
    await expect.poll(() => hold(true)).toBe(1)
    leaves.abort()
    await expect.poll(() => room.files).toBe(0)
    hold(false)
    await pending
  })

  it('when the reader of a streamed transcript leaves in the middle', async () => {
    const { api, room } = fakeApi()
    const response = await api(
      form([
        ['file', large],
        ['model', 'listener'],
        ['stream', 'true'],
      ]),
    )
    const reader = response.body!.getReader()
    await reader.read()
    await reader.cancel()
    await expect.poll(() => room.files).toBe(0)
  })
})

describe('the room is bounded', () => {
  const parts = (bytes: number): Part[] => [
    ['file', new Uint8Array(bytes)],
    ['model', 'listener'],
  ]
  const codeOf = async (response: Response): Promise<unknown[]> => {
    const { error } = (await response.json()) as { error: { code: string; param: string } }
    return [response.status, response.headers.get('retry-after'), error.code, error.param]
  }

  it('in files: one more is refused, small ones are not, and a place is free again at once', async () => {
    const { api, room } = fakeApi(64 * MIB, { maxFiles: 1 })
    const first = stalled(2 * MIB)
    const pending = api(first.request)
    await expect.poll(() => room.files).toBe(1)
    expect(await codeOf(await api(form(parts(2 * MIB))))).toEqual([503, '1', 'api_busy', 'file'])
    expect((await api(form(parts(MIB / 2)))).status).toBe(200)
    first.fail()
    await pending
    expect((await api(form(parts(2 * MIB)))).status).toBe(200)
  })

  it('in bytes of all files together', async () => {
    const { api, room } = fakeApi(64 * MIB, { maxBytes: 4 * MIB })
    const first = stalled(3 * MIB)
    const pending = api(first.request)
    await expect.poll(() => room.files).toBe(1)
    expect(await codeOf(await api(form(parts(3 * MIB))))).toEqual([503, '1', 'api_busy', 'file'])
    first.fail()
    await pending
    expect((await api(form(parts(3 * MIB)))).status).toBe(200)
    expect(room.files).toBe(0)
  })

  it('and the sender who is refused is stopped', async () => {
    const { api } = fakeApi(64 * MIB, { maxFiles: 0 })
    const { request, state } = stalled(3 * MIB)
    expect((await api(request)).status).toBe(503)
    await expect.poll(() => state.isCancelled).toBe(true)
  })
})
