import { words } from '../../words/index.ts'
import { canSpeak } from './speaker.ts'

const KEY = 'sotto.voice'

/** Whether answers are read aloud, as the reader chose it last. */
class VoiceChoice {
  isOn = $state(remembered() !== 'off')
  /** This device has a voice of its own. */
  canSpeak = $state(false)
  /** A question was spoken: its answer would be. */
  wasAsked = $state(false)

  /** Why an answer is silent, once it matters. */
  get note(): string | undefined {
    return this.wasAsked && this.isOn && !this.canSpeak ? words.assistant.voice.none : undefined
  }

  /** Voices come when they like. */
  look(): void {
    this.canSpeak = canSpeak()
  }

  turn(): void {
    this.isOn = !this.isOn
    try {
      localStorage.setItem(KEY, this.isOn ? 'on' : 'off')
    } catch {
      // Remembered for this page only.
    }
  }
}

function remembered(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}

export const voiceChoice = new VoiceChoice()
