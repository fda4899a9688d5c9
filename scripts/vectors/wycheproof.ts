import { perFile, unknownShape, type VectorCase, type VectorFamily } from './harness.ts'
import { agreementCases } from './wycheproof-agreement.ts'
import { mlKemCases } from './wycheproof-mlkem.ts'
import { signatureCases } from './wycheproof-signatures.ts'
import { symmetricCases } from './wycheproof-symmetric.ts'
import {
  RESULTS,
  type WycheproofGroup,
  type WycheproofRunner,
  type WycheproofTest,
} from './wycheproof-types.ts'

const RUNNERS: readonly WycheproofRunner[] = [symmetricCases, agreementCases, signatureCases, mlKemCases]

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
    // Every test of a group that nobody runs counts, and counts as failed.
    const [, refuse] = unknownShape(`${algorithm} ${group.type} of ${file.name}`)
    for (const test of group.tests)
      yield [`${test.tcId}: ${test.comment}`, check === undefined ? refuse : checked(test, check)]
  }
})

function checked(test: WycheproofTest, check: NonNullable<ReturnType<WycheproofRunner>>): VectorCase['run'] {
  return () => {
    if (!RESULTS.includes(test.result)) throw new Error(`no result is called ${test.result}`)
    return check(test)()
  }
}
