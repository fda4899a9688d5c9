import { localVoice, sentences } from './voice.ts'

/** Reads one answer aloud while it comes. */
export interface Reading {
  take(piece: string): void
  end(): void
}

/** Voices come late in some browsers: they are asked for when the page opens. */
function voices(): SpeechSynthesisVoice[] {
  return typeof speechSynthesis === 'undefined' ? [] : speechSynthesis.getVoices()
}

/** The voice of this device for the language of the reader, else for English. */
function voice(): SpeechSynthesisVoice | undefined {
  return localVoice(voices(), navigator.language) ?? localVoice(voices(), 'en')
}

/** Whether something can be read aloud without telling anybody. */
export function canSpeak(): boolean {
  return voice() !== undefined
}

/** Calls `listener` when the browser has other voices, until the returned function is called. */
export function onVoices(listener: () => void): () => void {
  if (typeof speechSynthesis === 'undefined') return () => undefined
  speechSynthesis.addEventListener('voiceschanged', listener)
  return () => speechSynthesis.removeEventListener('voiceschanged', listener)
}

/** Starts to read; silent without a voice of this device. */
export function startReading(): Reading {
  const own = voice()
  const cut = sentences()
  hush()
  function say(texts: readonly string[]): void {
    if (own === undefined) return
    for (const text of texts) {
      const utterance = new SpeechSynthesisUtterance(text)
      utterance.voice = own
      utterance.lang = own.lang
      speechSynthesis.speak(utterance)
    }
  }
  return { take: (piece) => say(cut.take(piece)), end: () => say(cut.end()) }
}

/** Silence, at once. */
export function hush(): void {
  if (typeof speechSynthesis !== 'undefined') speechSynthesis.cancel()
}
