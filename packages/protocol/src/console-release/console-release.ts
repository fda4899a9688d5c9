/** "These are the pages of release X": what a browser loads to verify a service and to talk to it. */
import { type Decoder, hex, integer, label, list, literal, object } from '../jcs/index.ts'
import type { Digest, UnixSeconds } from '../keyrelease/index.ts'

/** Predicate type of {@link ConsoleRelease}. No image: nothing measures a browser, so it is told apart from releases of roles. */
export const CONSOLE_RELEASE_PREDICATE = 'https://sotto.dev/attestation/console-release/v1'

/** in-toto Statement v1 under `PAYLOAD_TYPES.release`, signed by a release key and logged like the releases of roles. */
export interface ConsoleRelease {
  _type: 'https://in-toto.io/Statement/v1'
  /** SHA-256 of the manifest: lines `SHA-256  name`, sorted by name. */
  subject: [{ name: 'console'; digest: { sha256: Digest } }]
  predicateType: typeof CONSOLE_RELEASE_PREDICATE
  predicate: {
    version: string
    /** Never decreases from release to release. */
    securityVersion: number
    createdAt: UnixSeconds
  }
}

const pages = object({ name: literal('console'), digest: object({ sha256: hex(32) }) })

/** See {@link ConsoleRelease}. */
export const consoleReleaseDecoder: Decoder<ConsoleRelease> = object({
  _type: literal('https://in-toto.io/Statement/v1'),
  subject: (value, path) => [list(pages, 1, 1)(value, path)[0]!],
  predicateType: literal(CONSOLE_RELEASE_PREDICATE),
  predicate: object({
    version: label(64),
    securityVersion: integer(0, 2 ** 31),
    createdAt: integer(0),
  }),
})
