import { cliError } from '../errors.ts'

/** The relay's configuration takes 32, and two are those of `sotto console`. */
const MAX_ORIGINS = 30

/**
 * Web origins whose pages may use the relay, as browsers name them in `Origin` (RFC 6454, section 6.2). What never
 * equals an origin would look like a permission and be none, so it is refused. So is `*`: with it any page that
 * somebody has open could make this machine work.
 *
 * @throws `CLI_USAGE`
 */
export function parseBrowserOrigins(words: readonly string[]): string[] {
  if (words.length > MAX_ORIGINS)
    throw cliError('CLI_USAGE', 'too many of --browser-origin', { expected: `at most ${MAX_ORIGINS}` })
  for (const word of words) {
    const url = URL.parse(word)
    const isWeb = url !== null && ['http:', 'https:'].includes(url.protocol)
    if (isWeb && url.origin === word) continue
    throw cliError('CLI_USAGE', `--browser-origin ${word} is no web origin`, {
      expected: isWeb ? url.origin : 'scheme, host and port as in a browser, without a path',
      hint: 'for instance --browser-origin http://127.0.0.1:8600',
    })
  }
  return [...new Set(words)]
}
