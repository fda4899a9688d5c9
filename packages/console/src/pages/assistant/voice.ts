/** What is needed of a `SpeechSynthesisVoice`. */
export interface Voice {
  lang: string
  default: boolean
  /** False: the words go to a server of whoever made the browser. */
  localService: boolean
}

/**
 * The voice that reads answers aloud: one that speaks on this device, of the wanted language. Never another: its maker
 * would read every word.
 *
 * @param language BCP 47, as `navigator.language` has it
 */
export function localVoice<T extends Voice>(voices: readonly T[], language: string): T | undefined {
  const base = baseOf(language)
  const fitting = voices.filter((voice) => voice.localService === true && baseOf(voice.lang) === base)
  const exact = fitting.filter(({ lang }) => normal(lang) === normal(language))
  const best = exact.length > 0 ? exact : fitting
  return best.find((voice) => voice.default) ?? best[0]
}

/** Some systems write `en_US`. */
function normal(language: string): string {
  return language.replace('_', '-').toLowerCase()
}

function baseOf(language: string): string {
  return normal(language).split('-')[0]!
}

/** Text as it comes, out as sentences: a voice begins before the answer is complete. */
export interface Sentences {
  /** Sentences that are complete now. */
  take(piece: string): string[]
  /** The rest. */
  end(): string[]
}

/** Without an end for so long, a text is spoken up to its last word. */
const MAX_SENTENCE = 240

export function sentences(): Sentences {
  let rest = ''
  function cut(): string[] {
    const found: string[] = []
    for (;;) {
      const mark = /[.!?…。！？]["'”’)]*\s|\n/u.exec(rest)
      const space = rest.length > MAX_SENTENCE ? rest.lastIndexOf(' ', MAX_SENTENCE) : -1
      const end = mark ? mark.index + mark[0].length : space
      if (end <= 0) return found
      found.push(rest.slice(0, end).trim())
      rest = rest.slice(end)
    }
  }
  // Marks of Markdown are not words.
  const spoken = (texts: string[]): string[] =>
    texts.map((text) => text.replaceAll(/[*`#]+/g, '').trim()).filter((text) => /[\p{L}\p{N}]/u.test(text))
  return {
    take(piece) {
      rest += piece
      return spoken(cut())
    },
    end() {
      const last = rest.trim()
      rest = ''
      return spoken([last])
    },
  }
}
