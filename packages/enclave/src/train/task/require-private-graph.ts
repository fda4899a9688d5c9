import { elementTypeOf, type OnnxModel, type OnnxNode } from '@sotto/protocol/onnx'
import { findPrivacyBreaks, type PrivacyRule, type TrainSpec } from '@sotto/protocol/train-graph'
import { roomTrainError } from '../errors.ts'

/** Rules of which each keeps what is said of one row from depending on another. */
const APART: ReadonlySet<PrivacyRule> = new Set(['batch-norm', 'mixes-examples', 'unknown-batch-axis'])
/** Operators that make whole numbers of real ones, beside casts. */
const COUNTING: ReadonlySet<string> = new Set(['ArgMax', 'ArgMin'])
/** Operators whose result follows from the sizes of what they read. */
const SIZING: ReadonlySet<string> = new Set(['Shape', 'Size'])
/** Operators that fail at some whole numbers: as a divisor of 0, or as a place that a table does not have. */
const FAILING: ReadonlySet<string> = new Set(['Div', 'Mod', 'Gather', 'GatherElements', 'GatherND'])

/**
 * Checks that the graph of a party, who controls it wholly, says of each protected row something of that row alone, and
 * fails at none: figures with noise count on the first, and a run that ends for one row would tell that it is there.
 * @param spec of rows of real numbers
 * @throws `ROOM_TRAIN_PRIVACY`; the codes of builders
 */
export function requirePrivateGraph(spec: TrainSpec): void {
  if (findPrivacyBreaks(spec).some(({ rule }) => APART.has(rule)))
    throw roomTrainError('ROOM_TRAIN_PRIVACY', 'the graph combines rows')
  if (mayFail(spec.forward))
    throw roomTrainError('ROOM_TRAIN_PRIVACY', 'the graph may fail at what a row holds')
}

/** Whether a node divides by, or looks up, whole numbers that follow from the inputs. Nodes come after what they read. */
function mayFail({ inputs, nodes }: OnnxModel): boolean {
  const told = new Set(inputs.map(({ name }) => name))
  const whole = new Set<string>()
  for (const node of nodes) {
    if (FAILING.has(node.op) && node.inputs.some((name) => whole.has(name))) return true
    if (SIZING.has(node.op) || !node.inputs.some((name) => told.has(name))) continue
    const isWhole = makesWhole(node) ?? node.inputs.some((name) => whole.has(name))
    for (const output of node.outputs) {
      told.add(output)
      if (isWhole) whole.add(output)
    }
  }
  return false
}

/** Undefined where it follows from what the node reads. */
function makesWhole({ op, attributes }: OnnxNode): boolean | undefined {
  if (COUNTING.has(op)) return true
  if (op !== 'Cast') return undefined
  const to = attributes.get('to')
  return !(to && 'int' in to && elementTypeOf(Number(to.int))?.includes('float') === true)
}
