import { ApiError } from '../openai/errors.ts'

/** Memory for the tensors of requests under way, shared by all of them. */
export interface BodyBudget {
  /** Takes bytes; call the answer once to give them back. @throws `API_BUSY` when there are not that many left */
  take(bytes: number): () => void
}

/** Without it, as many clients as may be connected could each have the largest request waiting for an engine. */
export function createBodyBudget(limit: number): BodyBudget {
  let taken = 0
  return {
    take(bytes) {
      if (taken + bytes > limit)
        throw new ApiError('API_BUSY', 'the tensors of other requests fill the memory for them; try again')
      taken += bytes
      return () => {
        taken -= bytes
        bytes = 0
      }
    },
  }
}
