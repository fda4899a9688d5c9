import { activationRules } from './activations.ts'
import { convRules } from './conv.ts'
import { elementwiseRules } from './elementwise.ts'
import { matmulRules } from './matmul.ts'
import { normaliseRules } from './normalise.ts'
import { poolRules } from './pool.ts'
import type { Rule } from './rule.ts'
import { shapeRules } from './shape.ts'
import { sliceRules } from './slices.ts'

/** The gradient of each operator that has one. */
export const RULES: ReadonlyMap<string, Rule> = new Map([
  ...elementwiseRules,
  ...activationRules,
  ...matmulRules,
  ...shapeRules,
  ...sliceRules,
  ...normaliseRules,
  ...convRules,
  ...poolRules,
])
