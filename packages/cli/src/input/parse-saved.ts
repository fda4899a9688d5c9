import { canonicalJson, type JsonValue } from '@sotto/protocol/jcs'
import { cliError } from '../errors.ts'

/**
 * Reads a document somebody kept. White space and member order do not matter here: the signed parts are strings
 * inside. `what` names it for people, `hint` says where one comes from.
 * @throws `CLI_FILE`
 */
export function parseSaved<T>(
  text: string,
  parse: (canonical: Uint8Array) => T,
  { what, hint }: { what: string; hint: string },
): T {
  try {
    return parse(canonicalJson(JSON.parse(text) as JsonValue))
  } catch (cause) {
    // The JSON parser's own message would quote the file.
    const found = cause instanceof SyntaxError ? 'not JSON' : (cause as Error).message
    throw cliError('CLI_FILE', `this is not a ${what}`, { found, hint, cause })
  }
}
