import { expect, it } from 'vitest'
import { createAppApi } from '../../src/roles/app.ts'

it('an app’s recordings wait in a room of their own: one that is full is in nobody’s way', async () => {
  let asked = 0
  const api = createAppApi(
    {
      models: { list: () => [] },
      clock: { now: () => 0, randomBytes: (length) => new Uint8Array(length) },
      maxUploadBytes: 2 ** 23,
      // Of direct clients: whatever the app does, none of it is taken.
      waitingRoom: { open: () => void asked++ },
    },
    [],
  )
  /** The file before its fields: it waits for them. */
  const upload = async (bytes: number): Promise<number> => {
    const form = new FormData()
    form.append('file', new Blob([new Uint8Array(bytes)]), 'a.wav')
    form.append('model', 'none')
    const request = { method: 'POST', body: form }
    const response = await api(new Request('https://inference.sotto/v1/audio/transcriptions', request))
    await response.body?.cancel()
    return response.status
  }
  expect([await upload(1000), await upload(2 ** 22)]).toEqual([404, 404])
  expect(asked).toBe(0)
})
