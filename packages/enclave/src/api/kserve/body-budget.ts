import { type ByteBudget, createByteBudget } from '../../ram/byte-budget.ts'
import { ApiError } from '../openai/errors.ts'

/**
 * Memory for the tensors of requests under way, shared by all of them. Without it, as many clients as may be connected could
 * each have the largest request waiting for an engine. Throws `API_BUSY` when it is full.
 */
export function createBodyBudget(limit: number): ByteBudget {
  return createByteBudget(
    limit,
    () => new ApiError('API_BUSY', 'the tensors of other requests fill the memory for them; try again'),
  )
}
