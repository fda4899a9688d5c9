import { consoleReleaseDecoder } from '@sotto/protocol/console-release'
import { decodeDocument } from '@sotto/protocol/keyrelease'
import { decoded, type Judging } from './judging.ts'
import { judgeVersion } from './release-version.ts'

/** A release of the web pages that an accepted key signed: not revoked, and no step back. */
export function judgePages(judging: Judging): void {
  const { state } = judging
  const statement = decoded(judging, 'RELEASE_MALFORMED', (payload) =>
    decodeDocument(payload, consoleReleaseDecoder, 'console release'),
  )
  if (statement === undefined) return
  const { version, securityVersion } = statement.predicate
  const newest = state.pagesVersion ?? 0
  const what = `release ${version} of the web pages`
  if (judgeVersion(judging, { what, named: statement.subject[0].digest.sha256, securityVersion, newest }))
    state.pagesVersion = Math.max(newest, securityVersion)
}
