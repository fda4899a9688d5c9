import { type ByteBudget, createByteBudget } from '../../ram/byte-budget.ts'
import { engineError } from '../errors.ts'
import { MAX_ANSWER_BYTES } from '../host/answer-bounds.ts'

/** Answers of the largest size that may arrive at once. */
const LARGEST_AT_ONCE = 4

/**
 * Memory for answers that model servers are sending, shared by all of them. Without it, each call of each server could have
 * the largest answer there is: a request of few bytes can ask for many. Throws `ENGINE_BUSY` when it is full.
 */
export function createAnswerBudget(limit: number = LARGEST_AT_ONCE * MAX_ANSWER_BYTES): ByteBudget {
  return createByteBudget(limit, () =>
    engineError('ENGINE_BUSY', 'the answers of model servers fill the memory for them; try again', {
      expected: `at most ${limit} bytes at once`,
    }),
  )
}
