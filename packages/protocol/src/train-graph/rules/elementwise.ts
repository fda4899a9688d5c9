import { floatsOf } from '../../onnx/index.ts'
import type { GraphBuilder } from '../builder.ts'
import { inputOf, type Node, type Value } from '../ir.ts'
import { asNumber, minus, over, plus, scaled, times, unbroadcast } from '../math.ts'
import { first, type Lazy, noRule, type Rule } from './rule.ts'

const add: Rule = (b, node, grads) =>
  node.inputs.map((input) => () => unbroadcast(b, first(grads), input!.dims))

const sub: Rule = (b, node, grads) => [
  () => unbroadcast(b, first(grads), inputOf(node, 0).dims),
  () => unbroadcast(b, b.add('Neg', [first(grads)]), inputOf(node, 1).dims),
]

const mul: Rule = (b, node, grads) => {
  const [x, y] = [inputOf(node, 0), inputOf(node, 1)]
  return [
    () => unbroadcast(b, times(b, first(grads), y), x.dims),
    () => unbroadcast(b, times(b, first(grads), x), y.dims),
  ]
}

const div: Rule = (b, node, grads) => {
  const [x, y] = [inputOf(node, 0), inputOf(node, 1)]
  const byX = (): Value => over(b, first(grads), y)
  return [
    () => unbroadcast(b, byX(), x.dims),
    () => unbroadcast(b, b.add('Neg', [times(b, byX(), node.outputs[0]!)]), y.dims),
  ]
}

/** x to a constant power. */
const pow: Rule = (b, node, grads) => {
  const [x, y] = [inputOf(node, 0), inputOf(node, 1)]
  const tensor = b.constantOf(y)
  if (tensor === undefined || !tensor.type.startsWith('float') || tensor.data.length > 8)
    throw noRule(node, 'the exponent is not one constant real number')
  const exponent = floatsOf(tensor)[0]!
  return [
    () => {
      const less = exponent === 2 ? x : b.add('Pow', [x, b.scalar(exponent - 1, x)])
      return times(b, first(grads), scaled(b, less, exponent))
    },
  ]
}

/** The larger or smaller of two; where both are equal the first gets the gradient. */
function extreme(compare: 'GreaterOrEqual' | 'LessOrEqual'): Rule {
  return (b, node, grads) => {
    if (node.inputs.length > 2) throw noRule(node, 'more than two inputs')
    const [x, y = x] = node.inputs as [Value, Value?]
    if (x === y) return [() => first(grads)]
    const isFirst = asNumber(b, b.add(compare, [x, y]), x)
    return [
      () => unbroadcast(b, times(b, first(grads), isFirst), x.dims),
      () => unbroadcast(b, times(b, first(grads), minus(b, b.scalar(1, x), isFirst)), y.dims),
    ]
  }
}

/** What passes where the condition is true, and where it is not. */
const where: Rule = (b, node, grads) => {
  const [condition, x, y] = [inputOf(node, 0), inputOf(node, 1), inputOf(node, 2)]
  const zero = b.scalar(0, x)
  return [
    undefined,
    () => unbroadcast(b, b.add('Where', [condition, first(grads), zero]), x.dims),
    () => unbroadcast(b, b.add('Where', [condition, zero, first(grads)]), y.dims),
  ]
}

const clip: Rule = (b, node, grads) => {
  const x = inputOf(node, 0)
  return [
    () => {
      let g = first(grads)
      const [low, high] = [node.inputs[1], node.inputs[2]]
      if (low) g = times(b, g, asNumber(b, b.add('GreaterOrEqual', [x, low]), x))
      if (high) g = times(b, g, asNumber(b, b.add('LessOrEqual', [x, high]), x))
      return g
    },
  ]
}

/** Rules of one input whose gradient is the product of the output's with something. */
function factor(make: (b: GraphBuilder, x: Value, y: Value, node: Node) => Value): Rule {
  return (b, node, grads): [Lazy] => [
    () => times(b, first(grads), make(b, inputOf(node, 0), node.outputs[0]!, node)),
  ]
}

/** Arithmetic on each element. */
export const elementwiseRules: readonly (readonly [string, Rule])[] = [
  ['Add', add],
  ['Sub', sub],
  ['Mul', mul],
  ['Div', div],
  ['Pow', pow],
  ['Max', extreme('GreaterOrEqual')],
  ['Min', extreme('LessOrEqual')],
  ['Where', where],
  ['Clip', clip],
  ['Identity', (_b, _node, grads) => [() => first(grads)]],
  ['Neg', (b, _, grads) => [() => b.add('Neg', [first(grads)])]],
  ['Abs', factor((b, x) => b.add('Sign', [x]))],
  ['Exp', factor((_b, _x, y) => y)],
  ['Log', factor((b, x) => b.add('Reciprocal', [x]))],
  ['Sqrt', factor((b, _, y) => over(b, b.scalar(0.5, y), y))],
  ['Reciprocal', factor((b, _, y) => b.add('Neg', [times(b, y, y)]))],
  ['Sin', factor((b, x) => b.add('Cos', [x]))],
  ['Cos', factor((b, x) => b.add('Neg', [b.add('Sin', [x])]))],
  [
    'Erf',
    factor((b, x) => scaled(b, b.add('Exp', [b.add('Neg', [times(b, x, x)])]), 2 / Math.sqrt(Math.PI))),
  ],
  [
    'Cast',
    (b, node, grads) => [
      () => {
        const { type } = inputOf(node, 0)
        if (type !== 'float32' && type !== 'float64') throw noRule(node, 'cast of what is no real number')
        return b.add('Cast', [first(grads)], { to: type === 'float64' ? 11 : 1 })
      },
    ],
  ],
  ['Sigmoid', factor((b, _, y) => times(b, y, minus(b, b.scalar(1, y), y)))],
  ['Tanh', factor((b, _, y) => minus(b, b.scalar(1, y), times(b, y, y)))],
  ['Softplus', factor((b, x) => b.add('Sigmoid', [x]))],
  ['Relu', factor((b, x) => asNumber(b, b.add('Greater', [x, b.scalar(0, x)]), x))],
  [
    'Softsign',
    factor((b, x) => {
      const one = plus(b, b.scalar(1, x), b.add('Abs', [x]))
      return b.add('Reciprocal', [times(b, one, one)])
    }),
  ],
]
