import { SottoError } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown where a train graph is built.
 * - `GRAPH_LOSS` (fix-input): the loss does not fit the output that it is of.
 * - `GRAPH_NO_RULE` (fix-input): a gradient would have to go through an operator, or a use of one, that has no rule here.
 * - `GRAPH_PRIVACY` (fix-input): a graph would break the guarantee of differential privacy: the message names the rule.
 * - `GRAPH_SHAPE` (fix-input): the shapes of a graph do not fit together, are not known, or are too large.
 * - `GRAPH_TARGET` (fix-input): what shall be trained is not there, or nothing leads from it to the loss.
 */
export type GraphErrorCode = 'GRAPH_LOSS' | 'GRAPH_NO_RULE' | 'GRAPH_PRIVACY' | 'GRAPH_SHAPE' | 'GRAPH_TARGET'

/** A refusal of a graph. `where` names operator, node and module as far as they are known; the owner gave these names. */
export function graphError(
  code: GraphErrorCode,
  message: string,
  where?: string,
): SottoError<GraphErrorCode> {
  return new SottoError<GraphErrorCode>(code, 'fix-input', message, {
    ...(where !== undefined && { found: where.slice(0, 240) }),
  })
}
