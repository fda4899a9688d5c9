import { mlKemCases } from './wycheproof-mlkem.ts'
import { signatureCases } from './wycheproof-signatures.ts'
import { symmetricCases } from './wycheproof-symmetric.ts'
import { perFile, unknownShape, type VectorFamily } from './harness.ts'
import type { WycheproofGroup, WycheproofRunner } from './wycheproof-types.ts'

const RUNNERS: readonly WycheproofRunner[] = [symmetricCases, signatureCases, mlKemCases]

/** Wycheproof, told apart by the algorithm of the file and the type of the group. */
export const wycheproof: VectorFamily = perFile('transport/wycheproof', function* (file) {
  const { algorithm, testGroups } = JSON.parse(file.text) as {
    algorithm?: string
    testGroups?: WycheproofGroup[]
  }
  if (algorithm === undefined || !Array.isArray(testGroups))
    return yield unknownShape(`${file.name}: no Wycheproof file`)
  for (const group of testGroups) {
    const check = RUNNERS.map((runner) => runner(algorithm, group)).find((one) => one !== undefined)
    if (check === undefined) {
      yield unknownShape(`${algorithm} ${group.type} of ${file.name}`)
      continue
    }
    for (const test of group.tests) yield [`${test.tcId}: ${test.comment}`, check(test)]
  }
})
