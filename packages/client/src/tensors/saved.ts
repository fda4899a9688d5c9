import type { SavedResult } from '../receipts/index.ts'
import { type InferAnswer, jsonLength, parseAnswer } from './messages.ts'

/**
 * The tensors of a kept result; undefined when it holds none. Verify the result first: nothing is proven here.
 */
export function outputsOfResult({ response }: Pick<SavedResult, 'response'>): InferAnswer | undefined {
  const length = jsonLength(response.body)
  return length === undefined ? undefined : parseAnswer(response.body, length)
}
