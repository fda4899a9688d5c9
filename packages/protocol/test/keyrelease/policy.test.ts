import { describe, expect, it } from 'vitest'
import { encodeDocument, parseKeyReleasePolicy, type PolicyTuple } from '@sotto/protocol/keyrelease'
import { DIGEST } from './documents.ts'

const tuple: PolicyTuple = {
  name: 'inference-1',
  role: 'inference',
  allOf: [{ family: 'software', roots: [DIGEST], measurements: ['ab'.repeat(48)], hostData: [DIGEST] }],
}
const policyOf = (...anyOf: object[]): object => ({
  version: 1,
  genesis: DIGEST,
  anyOf,
  evidenceMaxAgeSeconds: 3600,
  createdAt: 5,
})
const parse = (policy: object): unknown => parseKeyReleasePolicy(encodeDocument(policy))
const malformed = expect.objectContaining({ code: 'JCS_FIELD' })

describe('the structure of a key-release policy', () => {
  it.each([
    ['evidence older than a day', { ...policyOf(tuple), evidenceMaxAgeSeconds: 86_401 }],
    ['evidence of no age', { ...policyOf(tuple), evidenceMaxAgeSeconds: 0 }],
    ['another version', { ...policyOf(tuple), version: 2 }],
    ['an unknown member', { ...policyOf(tuple), allOf: [] }],
    ['an unknown member of a tuple', policyOf({ ...tuple, minVersion: 1 })],
    ['a tuple without a component', policyOf({ ...tuple, allOf: [] })],
    ['five components', policyOf({ ...tuple, allOf: Array(5).fill(tuple.allOf[0]) })],
    ['a component that is a list', policyOf({ ...tuple, allOf: [[]] })],
    ['a component without a family', policyOf({ ...tuple, allOf: [{ roots: [DIGEST] }] })],
    ['no GPU to be bound', policyOf({ ...tuple, gpuBinding: { minGpus: 0, maxGpus: 1 } })],
    ['collateral of no age', { ...policyOf(tuple), collateralMaxAgeSeconds: 0 }],
    ['an unknown role', policyOf({ ...tuple, role: 'relay' })],
    ['an unknown family', policyOf({ ...tuple, allOf: [{ family: 'any' }] })],
    ['a tuple name with a capital', policyOf({ ...tuple, name: 'Inference' })],
  ])('is refused with %s', (_what, policy) => {
    expect(() => parse(policy)).toThrow(malformed)
  })
})
