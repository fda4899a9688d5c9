import { CONSOLE_RELEASE_PREDICATE, consoleReleaseDecoder } from '@sotto/protocol/console-release'
import { parseCanonicalJson } from '@sotto/protocol/jcs'
import { PAYLOAD_TYPES, RELEASE_PREDICATE, releaseStatementDecoder } from '@sotto/protocol/keyrelease'
import { provenanceStatementDecoder, SLSA_PREDICATE } from '@sotto/protocol/provenance'
import { entryType, type EntryType } from './entry-type.ts'

/** Payload type of every in-toto statement, whatever it states. */
export const IN_TOTO_TYPE: string = PAYLOAD_TYPES.release

/** In-toto statements that are understood, by predicate type. */
export const IN_TOTO_ENTRIES: ReadonlyMap<string, EntryType> = new Map([
  [
    RELEASE_PREDICATE,
    entryType(
      'release statement',
      releaseStatementDecoder,
      ({ predicate: { role, version, securityVersion } }) =>
        `${role} ${version}, security version ${securityVersion}`,
    ),
  ],
  [
    CONSOLE_RELEASE_PREDICATE,
    entryType(
      'console release',
      consoleReleaseDecoder,
      ({ subject: [pages], predicate: { version } }) => `pages ${version}, ${pages.digest.sha256}`,
    ),
  ],
  [
    SLSA_PREDICATE,
    entryType(
      'build provenance',
      provenanceStatementDecoder,
      ({ subject, predicate }) =>
        `${subject.map(({ name }) => name).join(', ')} by ${predicate.runDetails.builder.id}`,
    ),
  ],
])

/** Any other one: of a signature over a model, for example. */
export const OTHER_STATEMENT: EntryType = {
  name: 'in-toto statement',
  decode(payload) {
    const statement = parseCanonicalJson(payload, { maxBytes: payload.length })
    if (typeof statement !== 'object' || statement === null) throw new Error('no statement')
    return statement
  },
  describe: ({ predicateType }: { predicateType?: unknown }) =>
    typeof predicateType === 'string' ? predicateType : 'no predicate type',
}
