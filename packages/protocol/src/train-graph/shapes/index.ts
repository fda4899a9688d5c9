import { countOf, MAX_RANK } from '../../onnx/index.ts'
import { MAX_VALUE_ELEMENTS } from '../limits.ts'
import { convShapes } from './conv.ts'
import { elementwiseShapes } from './elementwise.ts'
import { matmulShapes } from './matmul.ts'
import { normaliseShapes } from './normalise.ts'
import { reduceShapes } from './reduce.ts'
import { reshapeShapes } from './reshape.ts'
import { type Asked, type Shape, shapeError, type ShapeRule } from './shape-of.ts'
import { sliceShapes } from './slices.ts'

const RULES: ReadonlyMap<string, ShapeRule> = new Map([
  ...elementwiseShapes,
  ...reshapeShapes,
  ...sliceShapes,
  ...reduceShapes,
  ...matmulShapes,
  ...convShapes,
  ...normaliseShapes,
])

/**
 * Shapes of all outputs of a node, each within bounds.
 *
 * @throws `GRAPH_SHAPE` also for an operator that is not known here
 */
export function shapesOf(node: Asked): readonly Shape[] {
  const rule = RULES.get(node.op)
  if (rule === undefined) throw shapeError(node, `operator ${node.op} is not known here`)
  const shapes = rule(node)
  for (const { dims } of shapes)
    if (countOf(dims) > MAX_VALUE_ELEMENTS || dims.length > MAX_RANK)
      throw shapeError(node, `a value of [${dims.join(',')}] is too large`)
  return shapes
}
