import type OpenAI from 'openai'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { transcriptionFields } from '../../src/api/audio/fields.ts'
import { fieldNotes } from '../../src/api/openai/fields.ts'
import { fakeApi } from './support.ts'

const notes = fieldNotes(transcriptionFields)
const named = (state: string): string[] =>
  [...notes].filter(([, note]) => note.state === state).map(([name]) => name)

/** What a field is changed to, and what else is sent with it. */
const changes: Readonly<Record<string, { to: string; base?: Record<string, string> }>> = {
  file: { to: 'other bytes' },
  model: { to: 'whisper-1', base: {} },
  language: { to: 'de' },
  prompt: { to: 'Dr. Smith' },
  hotwords: { to: 'aspirin' },
  response_format: { to: 'text' },
  temperature: { to: '0.5' },
  stream: { to: 'true' },
  timestamp_granularities: { to: 'word', base: { response_format: 'verbose_json' } },
  include: { to: 'logprobs' },
  chunking_strategy: { to: 'auto' },
  keywords: { to: 'aspirin' },
}

const send = async (fields: Record<string, string>): Promise<[number, string]> => {
  const { api, asked } = fakeApi()
  const form = new FormData()
  const { file = 'RIFF', ...rest } = fields
  for (const [name, value] of Object.entries(rest)) form.append(name, value)
  form.append('file', new Blob([file]), 'a.wav')
  const url = 'https://inference.sotto/v1/audio/transcriptions'
  const response = await api(new Request(url, { method: 'POST', body: form }))
  return [response.status, `${await response.text()} ${JSON.stringify(asked.transcribe)}`]
}

describe('the form of a transcription', () => {
  it('has a change to show for every field that works, and for no other', () => {
    expect(Object.keys(changes).sort()).toEqual(named('works').sort())
  })

  it.each(Object.entries(changes))(
    'changes what is asked or answered with %s',
    async (field, { to, base = {} }) => {
      const [status, text] = await send({ ...base, [field]: to })
      expect(status).toBe(200)
      const [, before] = await send(base)
      // An alias stands for the model that answers anyway: the answer is that of the name it would have without it.
      if (field === 'model') expect((await send({ model: 'gone' }))[0]).toBe(404)
      else expect(text).not.toBe(before)
    },
  )

  it.each(named('refused'))('refuses %s by name, with brackets too', async (field) => {
    for (const name of [field, `${field}[]`]) {
      const [status, text] = await send({ [name]: 'x' })
      expect(status).toBe(400)
      expect(text).toContain(`"param":"${field}"`)
    }
  })

  it('knows every field of the OpenAI SDK', () => {
    type Known = keyof (typeof transcriptionFields)['shape']
    type Transcription = keyof OpenAI.Audio.TranscriptionCreateParamsNonStreaming
    expectTypeOf<Exclude<Transcription, Known>>().toEqualTypeOf<never>()
    expectTypeOf<Exclude<keyof OpenAI.Audio.TranslationCreateParams, Known>>().toEqualTypeOf<never>()
  })
})
