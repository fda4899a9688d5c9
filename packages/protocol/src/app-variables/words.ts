import { utf8 } from '../bytes/index.ts'

/** Most of {@link appWordsBytes}. As much again is left for its secrets before Linux starts no program any more. */
export const MAX_APP_WORDS_BYTES: number = 512 * 1024

/** Bytes that the kernel copies when it starts an app, but for secrets: its command, and the variables that are none. */
export function appWordsBytes(command: readonly string[], env: Readonly<Record<string, string>>): number {
  const words = [...command, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)]
  return words.reduce((sum, word) => sum + utf8(word).length + 1, 0)
}
