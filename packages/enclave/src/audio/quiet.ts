/* oxlint-disable no-console -- this file exists to keep other people's console calls off the log */

/** Thrown out of a decoder that began to complain on the console. */
export class DecoderComplaint extends Error {}

/**
 * Runs a synchronous call of a third-party decoder with the console silent: their messages may quote
 * the file. `isFatal` says which messages end the call at once, for wrappers that log an error and
 * then loop on it for ever. Only synchronous code runs meanwhile, so no other caller is silenced.
 */
export function quietly<T>(work: () => T, isFatal: (text: string) => boolean = () => false): T {
  const { log, warn, error } = console
  const silent = (...words: unknown[]): void => {
    if (isFatal(String(words[0]))) throw new DecoderComplaint('the decoder reported an error')
  }
  console.log = console.warn = console.error = silent
  try {
    return work()
  } finally {
    console.log = log
    console.warn = warn
    console.error = error
  }
}
