import { engineError } from '../errors.ts'
import { MAX_ANSWER_BYTES } from '../host/answer-bounds.ts'

/** Memory for answers that model servers are sending, shared by all of them. */
export interface AnswerBudget {
  /** Takes bytes before they are allocated; call the answer to give them back. @throws `ENGINE_BUSY` */
  take(bytes: number): () => void
}

/** Answers of the largest size that may arrive at once. */
const LARGEST_AT_ONCE = 4

/** Without it, each call of each server could have the largest answer there is: a request of few bytes can ask for many. */
export function createAnswerBudget(limit: number = LARGEST_AT_ONCE * MAX_ANSWER_BYTES): AnswerBudget {
  let taken = 0
  return {
    take(bytes) {
      if (taken + bytes > limit)
        throw engineError('ENGINE_BUSY', 'the answers of model servers fill the memory for them; try again', {
          expected: `at most ${limit} bytes at once`,
        })
      taken += bytes
      let left = bytes
      return () => {
        taken -= left
        left = 0
      }
    },
  }
}
