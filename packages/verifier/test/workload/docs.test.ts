import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { PolicyTuple, ReleaseStatement } from '@sotto/protocol/keyrelease'
import { createWorld } from '@sotto/testkit'
import { parseTrustPolicy } from '@sotto/verifier'
import { covers, evidencePolicyOf, findReleaseDefect } from '@sotto/verifier/workload'

const LENGTHS: Readonly<Record<string, number>> = { measurements: 96, hostData: 64 }

/** JSON examples of a page, digests in them written out. */
function examplesOf(page: string): string[] {
  const text = readFileSync(join(import.meta.dirname, '../../../../docs', page), 'utf8')
  return [...text.matchAll(/```json\n([^]*?)```/g)].map(([, json = '']) =>
    json.replaceAll(/"(\w+)": \["(\w{4})…(\w{4})"\]/g, (_, member: string, start: string, end: string) => {
      const middle = '0'.repeat(LENGTHS[member]! - 8)
      return `"${member}": ["${start}${middle}${end}"]`
    }),
  )
}

describe('examples in the documentation', () => {
  it('of platforms are what a trust policy reads', async () => {
    const { policy } = await createWorld()
    const [example] = examplesOf('verify.md').filter((json) => json.startsWith('"platforms"'))
    const read = JSON.parse(`{${example}}`) as object
    const require = [...policy.require, 'hardware.cpu-vendor']
    expect(parseTrustPolicy({ ...policy, ...read, require })).toMatchObject(read)
  })

  it('of a release and of a tuple belong together', () => {
    const [release, tuple] = examplesOf('hardware.md')
    const { predicate } = JSON.parse(`{${release}}`) as Pick<ReleaseStatement, 'predicate'>
    const admitted = JSON.parse(tuple!) as PolicyTuple
    const statement = {
      subject: [
        { digest: { sha256: '' } },
        { digest: { sha256: predicate.evidence['hostData']!.toString() } },
      ],
      predicate,
    } as ReleaseStatement
    expect(findReleaseDefect(statement)).toBeUndefined()
    expect(covers(statement, admitted)).toBe(true)
    const document = {
      version: 1 as const,
      genesis: '00'.repeat(32),
      anyOf: [admitted],
      evidenceMaxAgeSeconds: 3600,
      createdAt: 1,
    }
    expect(evidencePolicyOf(document).anyOf).toHaveLength(1)
    const ages = { evidenceMaxAgeSeconds: 60, collateralMaxAgeSeconds: 70, revocationMaxAgeSeconds: 80 }
    expect(evidencePolicyOf({ ...document, ...ages })).toMatchObject({ ...ages, freshness: 'nonce' })
  })
})
