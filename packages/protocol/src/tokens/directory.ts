import { fromUtf8 } from '../bytes/index.ts'
import { provenStatementDecoder, type ProvenStatement } from '../evidence/index.ts'
import { type Decoder, object, parseStrictJson, text } from '../jcs/index.ts'
import { toPaddedBase64Url } from './base64url.ts'
import { TOKEN_TYPE } from './challenge.ts'
import { tokenError } from './errors.ts'
import type { ClassKey } from './issuer-keys.ts'

/** Where every issuer has its directory (RFC 9578 Section 4). */
export const DIRECTORY_PATH = '/.well-known/private-token-issuer-directory'

/** Where our issuers take requests. */
export const TOKEN_REQUEST_PATH = '/token-request'

/** Largest directory, in bytes: 32 keys twice, a checkpoint with its cosignatures, and a proof. */
export const MAX_DIRECTORY_BYTES = 262_144

/** The signed statement of an issuer's keys, with the proof that it is in the log. */
export interface LoggedIssuerKeys extends ProvenStatement {
  /** Witnessed checkpoint (C2SP tlog-checkpoint) that the proof leads to. */
  checkpoint: string
}

/**
 * The issuer directory: what RFC 9578 Section 4 prescribes, the class of each key as `sotto-class`, and the logged
 * statement all of it follows from. The same bytes for everybody.
 */
export function encodeDirectory(keys: readonly ClassKey[], logged: LoggedIssuerKeys): Uint8Array {
  const directory = {
    'issuer-request-uri': TOKEN_REQUEST_PATH,
    'token-keys': keys.map(({ className, key, notBefore, notAfter }) => ({
      'token-type': TOKEN_TYPE,
      'token-key': toPaddedBase64Url(key.spki),
      'not-before': notBefore,
      'sotto-not-after': notAfter,
      'sotto-class': className,
    })),
    'sotto-issuer-keys': logged,
  }
  return new TextEncoder().encode(JSON.stringify(directory))
}

/** Notes hold a few hundred bytes a signature. */
const MAX_NOTE_LENGTH = 65_536

const loggedDecoder: Decoder<LoggedIssuerKeys> = (value, path) => {
  const { checkpoint, ...statement } = object<{
    checkpoint: string
    envelope: unknown
    index: unknown
    proof: unknown
  }>({
    checkpoint: text(MAX_NOTE_LENGTH),
    envelope: any,
    index: any,
    proof: any,
  })(value, path)
  return { ...provenStatementDecoder(statement, path), checkpoint }
}

/**
 * The logged statement in a directory from anybody; nothing about it is verified. The rest of the directory is
 * for other clients: ours take keys from nothing but the statement.
 * @throws `TOKEN_MALFORMED`
 */
export function parseDirectory(bytes: Uint8Array): LoggedIssuerKeys {
  try {
    const value = parseStrictJson(fromUtf8(bytes), { maxBytes: MAX_DIRECTORY_BYTES })
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('no object')
    return loggedDecoder((value as Record<string, unknown>)['sotto-issuer-keys'], 'sotto-issuer-keys')
  } catch (cause) {
    throw tokenError('TOKEN_MALFORMED', 'this is no directory of an issuer with logged keys', { cause })
  }
}

function any(value: unknown): unknown {
  return value
}
