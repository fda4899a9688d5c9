/**
 * Steps of the verdict that must pass under every policy, in the order of the chain. A policy names
 * them all the same: whoever reads it sees everything it requires.
 */
export const ALWAYS_REQUIRED = [
  'log.checkpoint',
  'log.witnesses',
  'genesis.pinned',
  'genesis.logged',
  'kms.evidence',
  'kms.evidence-fresh',
  'kms.binding',
  'kms.release-logged',
  'kms.measurement',
  'kms.certificate',
  'keys.receipt',
  'keys.logged',
  'keys.policy',
  'keys.policy-tuples',
  'keys.suite',
  'keys.validity',
] as const

/** Steps that may be skipped with a reason, unless the policy names them. None of them may ever fail. */
export const REQUIRED_BY_CHOICE = [
  'log.witnesses-independent',
  'log.consistency',
  'keys.data-use',
  'keys.app',
  'hardware.cpu-vendor',
  'hardware.gpu',
  'tokens.issuer',
] as const

/** Name of a step of the verdict. */
export type StepName = (typeof ALWAYS_REQUIRED)[number] | (typeof REQUIRED_BY_CHOICE)[number]

/** Every step a policy may name. */
export const STEP_NAMES: readonly StepName[] = [...ALWAYS_REQUIRED, ...REQUIRED_BY_CHOICE]

/**
 * Says what is wrong with a list of required steps, or nothing. Whatever is forgotten, misspelt or
 * from another version makes the whole policy unusable: a list that is merely shorter would accept
 * more than its author meant.
 */
export function findRequireDefect(require: unknown): string | undefined {
  if (!Array.isArray(require)) return 'require is not a list of steps'
  const unknown = require.find((name) => !STEP_NAMES.includes(name))
  if (unknown !== undefined)
    return `require names a step this version does not know: ${JSON.stringify(unknown)}`
  if (new Set(require).size !== require.length) return 'require names a step twice'
  const missing = ALWAYS_REQUIRED.filter((name) => !require.includes(name))
  return missing.length === 0
    ? undefined
    : `require must name ${missing.join(', ')}: no policy may do without`
}
