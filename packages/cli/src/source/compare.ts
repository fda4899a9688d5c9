import type { Role } from '@sotto/protocol/keyrelease'
import { firstDifference } from '@sotto/protocol/measurement'
import type { Step } from '@sotto/verifier'
import type { ExpectedRelease } from './expected.ts'
import type { Rebuilt } from './rebuild.ts'

/**
 * One step for each release: whether the source builds it, byte for byte.
 * @param manifestOf the manifest behind a release's digest, where it is known
 */
export async function compareReleases(
  releases: readonly ExpectedRelease[],
  rebuilt: ReadonlyMap<Role, Rebuilt>,
  manifestOf: (release: ExpectedRelease) => Promise<string | undefined>,
): Promise<Step[]> {
  const seen = new Map<Role, number>()
  const steps: Step[] = []
  for (const release of releases) {
    const { role, name, digest } = release
    const nth = (seen.get(role) ?? 0) + 1
    seen.set(role, nth)
    const found = rebuilt.get(role)
    const step = {
      name: `source.${role}.measurement${nth === 1 ? '' : `-${nth}`}`,
      required: true,
      title: `This source builds ${name}`,
      expected: digest,
      found: found?.digest ?? 'not built',
    }
    if (found?.digest === digest) steps.push({ ...step, status: 'pass' })
    else steps.push({ ...step, status: 'fail', reason: whyOf(await manifestOf(release), found) })
  }
  return steps
}

function whyOf(expected: string | undefined, found: Rebuilt | undefined): string {
  if (found === undefined) return 'the source does not build this role'
  if (expected === undefined) return 'the source builds another image (no manifest is here to say which file)'
  const difference = firstDifference(expected, found.manifest)
  return difference === undefined
    ? 'the source builds another image'
    : `the source builds another image: ${difference.path} ${difference.kind}`
}
