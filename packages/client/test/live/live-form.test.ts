import { expect, it } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import { formOfPart } from '../../src/live/live-form.ts'
import { openRecording } from '../../src/live/recording.ts'
import { wavHeader } from '../../src/live/wav-stream.ts'

const RATE = 16_000
/** What no field of a form and no boundary holds. */
const SPOKEN = Uint8Array.of(0xfa, 0xfb, 0xfc, 0xfd)

async function* audio(): AsyncGenerator<Uint8Array> {
  yield SPOKEN
}
const has = (form: Uint8Array, bytes: Uint8Array): boolean => Buffer.from(form).includes(Buffer.from(bytes))

it('a cut that comes before the form has come to its file ends that part, and what is spoken is sent once', async () => {
  const recording = openRecording(audio(), RATE, new AbortController().signal)
  const options = { sampleRate: RATE, model: 'm' }
  const first = formOfPart(recording, options).stream()
  const begun = await first.next()
  recording.cut()
  const second = formOfPart(recording, options).stream()
  const forms = [concat(begun.value as Uint8Array, ...(await Array.fromAsync(first)))]
  forms.push(concat(...(await Array.fromAsync(second))))
  expect(forms.map((form) => has(form, SPOKEN))).toEqual([false, true])
  // Each is a recording all the same.
  expect(forms.every((form) => has(form, wavHeader(RATE)))).toBe(true)
})
