import { expect, it } from 'vitest'
import { localVoice, sentences } from '../../../src/pages/assistant/voice.ts'

const voice = (name: string, lang: string, localService: boolean, isDefault = false) => ({
  name,
  lang,
  localService,
  default: isDefault,
})

it('only a voice of the device speaks, also where the default is one of a server', () => {
  const remote = voice('remote', 'en-US', false, true)
  expect(localVoice([remote], 'en-US')).toBeUndefined()
  expect(localVoice([{ ...remote, localService: 'yes' as unknown as boolean }], 'en-US')).toBeUndefined()
  expect(localVoice([remote, voice('own', 'en_GB', true)], 'en-US')?.name).toBe('own')
})

it('the language of the reader comes first, then the default of the device', () => {
  const voices = [voice('gb', 'en-GB', true, true), voice('us', 'en-US', true), voice('de', 'de-DE', true)]
  expect(localVoice(voices, 'en-US')?.name).toBe('us')
  expect(localVoice(voices, 'en-AU')?.name).toBe('gb')
  expect(localVoice(voices, 'fr')).toBeUndefined()
})

it('an answer is spoken by the sentence while it comes', () => {
  const cut = sentences()
  expect(cut.take('It is e')).toEqual([])
  expect(cut.take('ncry**pted**. Only th')).toEqual(['It is encrypted.'])
  expect(cut.take('e enclave\n\n--- \n')).toEqual(['Only the enclave'])
  expect(cut.take('version 1.5 opens it')).toEqual([])
  expect(cut.end()).toEqual(['version 1.5 opens it'])
  const long = sentences().take('word '.repeat(100))
  expect(long.length).toBe(2)
  expect(long.every((text) => text.length <= 240)).toBe(true)
})
