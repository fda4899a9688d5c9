import { cliError } from '../../errors.ts'
import { type CatalogueEntry, findInCatalogue } from '../../models/index.ts'

const REPOSITORY = /^(?:[A-Za-z0-9][\w.-]{0,95}\/)?[A-Za-z0-9][\w.-]{0,95}$/
const REVISION = /^[A-Za-z0-9][\w./-]{0,199}$/

/** Where a model comes from. */
export interface PullSource {
  repository: string
  revision: string
  /** When it was named by the catalogue. */
  entry?: CatalogueEntry
}

/** Flags that decide what is taken. */
interface SourceFlags {
  digest?: string | undefined
  'trust-first': boolean
  file?: string | undefined
  variant?: string | undefined
}

/**
 * Reads what `sotto models pull` is to fetch. Nothing that no digest covers is taken from the catalogue without the
 * user's word: there the user trusts us, not a hub.
 *
 * @throws `CLI_USAGE`
 */
export function parseSource(name: string, flags: SourceFlags): PullSource {
  const [repository = '', revision = 'main', ...rest] = name.split('@')
  if (!REPOSITORY.test(repository) || !REVISION.test(revision) || rest.length > 0)
    throw cliError('CLI_USAGE', 'that is not the name of a repository', {
      expected: 'a NAME of the catalogue, OWNER/NAME or OWNER/NAME@REVISION',
      found: name,
      hint: 'sotto models ls --catalogue shows the names',
    })
  const entry = findInCatalogue(repository)
  if (entry === undefined) {
    if (flags['trust-first'])
      throw cliError('CLI_USAGE', '--trust-first is for a NAME of the catalogue', {
        hint: 'of any other repository the hub is trusted anyway, unless --digest says what must come out',
      })
    return { repository, revision }
  }
  requireAsPinned(entry, name, flags)
  requireConsent(entry, flags)
  return { repository: entry.repository, revision: entry.revision, entry }
}

function requireAsPinned(entry: CatalogueEntry, name: string, { file, variant }: SourceFlags): void {
  if (name === entry.name && file === undefined && variant === undefined) return
  throw cliError('CLI_USAGE', `the catalogue pins one commit and one set of files of ${entry.name}`, {
    hint: `for others name the repository: sotto models pull ${entry.repository}`,
  })
}

function requireConsent(entry: CatalogueEntry, flags: SourceFlags): void {
  if (entry.isComplete && flags['trust-first'])
    throw cliError('CLI_USAGE', `every file of ${entry.name} is pinned, so there is nothing to trust`, {
      hint: 'leave --trust-first out',
    })
  if (entry.isComplete || flags['trust-first'] || flags.digest !== undefined) return
  throw cliError(
    'CLI_USAGE',
    `the catalogue has no digests for all files of ${entry.name}: the hub would choose them`,
    {
      expected: '--digest HEX, or --trust-first',
      hint: '--trust-first takes what the hub lists at the pinned commit and prints its digest, for --digest from then on',
    },
  )
}
