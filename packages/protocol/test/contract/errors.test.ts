import { expect, it } from 'vitest'
import { contractError, type ContractErrorCode } from '@sotto/protocol/contract'

/** Wire values: whoever handles them relies on both. */
const ACTIONS: Record<ContractErrorCode, 'fix-input' | 'retry' | 'stop'> = {
  CONTRACT_MALFORMED: 'fix-input',
  CONTRACT_SIGNATURE: 'stop',
  CONTRACT_OTHER: 'stop',
  CONTRACT_PARTY: 'fix-input',
  CONTRACT_NOT_ACCEPTED: 'retry',
  CONTRACT_EXPIRED: 'fix-input',
  CONTRACT_WITHDRAWN: 'stop',
  CONTRACT_CLOSED: 'stop',
  CONTRACT_RUN: 'stop',
  CONTRACT_BUDGET: 'stop',
  CONTRACT_PRIVACY: 'fix-input',
}

it.each(Object.entries(ACTIONS))('%s asks for %s', (code, action) => {
  const error = contractError(code as ContractErrorCode, 'no', { expected: 'a', found: 'b' })
  expect(error).toMatchObject({ code, action, message: 'no', expected: 'a', found: 'b' })
})
