import { SottoError } from '@sotto/protocol/errors'
import type { Step, Verdict } from '@sotto/verifier'

/** Exit codes, stable for scripts. `sotto help exit-codes` prints this table. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  notAuthentic: 3,
  authentication: 4,
  refused: 5,
  undecided: 6,
  pending: 8,
  interrupted: 130,
} as const

/** What each exit code means, for help. */
export const EXIT_MEANINGS: readonly (readonly [code: number, meaning: string])[] = [
  [EXIT.ok, 'success'],
  [EXIT.failure, 'the command failed for another reason'],
  [EXIT.usage, 'a flag, argument, input, configuration or the state of the folder is wrong: change it'],
  [EXIT.notAuthentic, 'evidence, a proof or a signature is not authentic'],
  [EXIT.authentication, 'the service asks for a credential'],
  [EXIT.refused, 'everything is authentic, but your policy does not accept it'],
  [
    EXIT.undecided,
    'cannot decide: what is needed for verification could not be fetched; or a monitor raised an alert',
  ],
  [EXIT.pending, 'not ready yet, try again later'],
  [EXIT.interrupted, 'interrupted by you'],
]

/**
 * Steps that compare authentic facts with the policy. Every other step establishes that the facts
 * are authentic at all.
 */
const POLICY_STEPS: ReadonlySet<string> = new Set([
  'log.witnesses-independent',
  'genesis.pinned',
  'kms.evidence-fresh',
  'kms.measurement',
  'keys.policy-tuples',
  'keys.data-use',
  'keys.app',
  'keys.suite',
  'keys.validity',
  'hardware.cpu-vendor',
  'hardware.gpu',
  'tokens.issuer',
])

/** Exit code of a verdict: 0, 3 when anything is not authentic, else 5. */
export function exitCodeOfVerdict(verdict: Pick<Verdict, 'ok' | 'steps'>): number {
  if (verdict.ok) return EXIT.ok
  const failed = verdict.steps.filter((step) => step.status === 'fail')
  if (failed.length === 0) return EXIT.refused
  return failed.every((step) => POLICY_STEPS.has(step.name)) ? EXIT.refused : EXIT.notAuthentic
}

/** Exit code of a receipt: of its own steps the pinned genesis is the only one about acceptance, of its bundle's several. */
export function exitCodeOfReceipt({ ok, steps }: { ok: boolean; steps: readonly Step[] }): number {
  if (ok) return EXIT.ok
  const failed = steps.filter(({ status }) => status === 'fail')
  const isRefusal = (name: string): boolean => name === 'receipt.genesis' || POLICY_STEPS.has(name)
  return failed.every(({ name }) => isRefusal(name)) ? EXIT.refused : EXIT.notAuthentic
}

/** The one map from error codes to exit codes. What is absent is 2 where the caller must change something, else 1. */
const CODES: Readonly<Record<string, number>> = {
  __proto__: null as never,
  CLI_CANCELLED: EXIT.interrupted,
  CLI_AUTH: EXIT.authentication,
  CLI_PENDING: EXIT.pending,
  CLI_REFUSED: EXIT.refused,
  CLI_NOT_AUTHENTIC: EXIT.notAuthentic,
  CLI_MODEL_DIGEST: EXIT.notAuthentic,
  IMAGE_DIGEST: EXIT.notAuthentic,
  DEPLOY_DIFFERS: EXIT.refused,
  BUNDLE_UNREACHABLE: EXIT.undecided,
  RECEIPT_UNPROVEN: EXIT.undecided,
  RECEIPT_NOT_LOGGED: EXIT.undecided,
  BUNDLE_INVALID: EXIT.notAuthentic,
  RECEIPT_INVALID: EXIT.notAuthentic,
  ISSUER_INVALID: EXIT.notAuthentic,
  ISSUER_REFUSED: EXIT.authentication,
  PROOF_INVALID: EXIT.notAuthentic,
  MODEL_SIGNATURE: EXIT.notAuthentic,
  MODEL_SUBSTITUTED: EXIT.notAuthentic,
  MODEL_RECEIPT: EXIT.notAuthentic,
  MODEL_LINEAGE: EXIT.notAuthentic,
  COLLATERAL_MISSING: EXIT.undecided,
  COLLATERAL_UNREACHABLE: EXIT.undecided,
  COLLATERAL_EXPIRED: EXIT.undecided,
  COLLATERAL_INVALID: EXIT.notAuthentic,
  COLLATERAL_ROLLBACK: EXIT.notAuthentic,
  ROOM_WAITING: EXIT.pending,
  ROOM_MEMBER: EXIT.notAuthentic,
  ROOM_OFFER: EXIT.notAuthentic,
  ROOM_OUTPUT: EXIT.notAuthentic,
  ROOM_BOARD: EXIT.notAuthentic,
}

/** Exit code of anything thrown. */
export function exitCodeOf(error: unknown): number {
  if (isAbort(error)) return EXIT.interrupted
  if (!(error instanceof SottoError)) return EXIT.failure
  if (error.code === 'VERIFY_REFUSED' && 'verdict' in error) {
    return exitCodeOfVerdict(error.verdict as Verdict)
  }
  return CODES[error.code] ?? (error.action === 'fix-input' ? EXIT.usage : EXIT.failure)
}

/** True for what `AbortSignal` rejects with. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
