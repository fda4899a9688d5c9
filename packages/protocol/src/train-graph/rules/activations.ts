import { axisOf, floatOf, intOf } from '../attributes.ts'
import { inputOf } from '../ir.ts'
import { minus, plus, summed, times } from '../math.ts'
import { first, type Rule } from './rule.ts'

const leakyRelu: Rule = (b, node, grads) => {
  const x = inputOf(node, 0)
  const slope = b.scalar(floatOf(node, 'alpha', 0.01), x)
  const isUp = b.add('GreaterOrEqual', [x, b.scalar(0, x)])
  return [() => times(b, first(grads), b.add('Where', [isUp, b.scalar(1, x), slope]))]
}

/** Elu: below 0 its slope is its value and alpha. */
const elu: Rule = (b, node, grads) => {
  const x = inputOf(node, 0)
  const y = node.outputs[0]!
  const isUp = b.add('GreaterOrEqual', [x, b.scalar(0, x)])
  const below = plus(b, y, b.scalar(floatOf(node, 'alpha', 1), x))
  return [() => times(b, first(grads), b.add('Where', [isUp, b.scalar(1, x), below]))]
}

const softmax: Rule = (b, node, grads) => {
  const y = node.outputs[0]!
  const axis = axisOf(intOf(node, 'axis', -1), y.dims.length, node.where)
  return [
    () => {
      const weighted = times(b, first(grads), y)
      return minus(b, weighted, times(b, y, summed(b, weighted, [axis])))
    },
  ]
}

const logSoftmax: Rule = (b, node, grads) => {
  const y = node.outputs[0]!
  const axis = axisOf(intOf(node, 'axis', -1), y.dims.length, node.where)
  return [() => minus(b, first(grads), times(b, b.add('Exp', [y]), summed(b, first(grads), [axis])))]
}

/** Activations whose gradient needs more than one of their own values. */
export const activationRules: readonly (readonly [string, Rule])[] = [
  ['LeakyRelu', leakyRelu],
  ['Elu', elu],
  ['Softmax', softmax],
  ['LogSoftmax', logSoftmax],
]
