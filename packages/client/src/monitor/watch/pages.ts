import { consoleReleaseDecoder } from '@sotto/protocol/console-release'
import { decodeDocument } from '@sotto/protocol/keyrelease'
import { findRevoked } from '@sotto/verifier/workload'
import { decoded, type Judging } from './judging.ts'

/** A release of the web pages that an accepted key signed: not revoked, and no step back. */
export function judgePages(judging: Judging): void {
  const { state, expect, alert } = judging
  const statement = decoded(judging, 'RELEASE_MALFORMED', (payload) =>
    decodeDocument(payload, consoleReleaseDecoder, 'console release'),
  )
  if (statement === undefined) return
  const { version, securityVersion } = statement.predicate
  const what = `the web pages ${version}`
  const revoked = findRevoked(
    statement.subject.map(({ digest }) => digest.sha256),
    expect.revoked,
  )
  if (revoked !== undefined)
    return alert('RELEASE_REVOKED', `${what} are revoked`, 'an unrevoked digest', revoked)
  const newest = state.pagesVersion ?? 0
  if (securityVersion < newest)
    alert('RELEASE_OLDER', `${what} are a step back`, `security version ${newest}`, `${securityVersion}`)
  state.pagesVersion = Math.max(newest, securityVersion)
}
