import { SottoError } from '@sotto/protocol/errors'
import type { NamedContract } from '@sotto/protocol/contract'
import type { TrustPolicy } from '@sotto/verifier'
import { clientError } from '../../errors.ts'
import { type CheckedProof, checkRunProof, parseRunProof, type RunProof } from '../room/proof.ts'
import { buildGraph } from './graph.ts'
import { plain } from './plain.ts'
import { RUN_CHECKS, type RunFacts } from './run-checks.ts'
import { gapsOf, spentBy } from './sums.ts'
import { TOGETHER_CHECKS } from './together-checks.ts'
import type { Audit, AuditCheck, AuditedRun } from './types.ts'

/** Options of {@link auditRuns}. */
export interface AuditOptions {
  /** What the proofs have to be about. @default the contract of the first proof that holds */
  contract?: NamedContract
}

/** Most proofs of one audit. */
export const MAX_AUDITED_PROOFS = 4096

/**
 * Checks proofs of runs, each for itself and all together, without a network: that every statement is authentic, that
 * each run did what the contract says, and that together they kept its budgets. Every check is made and told; a proof
 * that does not hold, or is of another contract, adds nothing to what the rest is measured by.
 *
 * What it cannot tell: runs after the last one whose proof is here; and whether owners consented, which the KMS required
 * before it charged, and whose envelopes a proof does not hold.
 * @param proofs from anybody, parsed or as bytes
 * @throws `ROOM_PROOF` more than {@link MAX_AUDITED_PROOFS}
 */
export function auditRuns(
  proofs: readonly (RunProof | Uint8Array)[],
  policy: TrustPolicy,
  options: AuditOptions = {},
): Audit {
  if (proofs.length > MAX_AUDITED_PROOFS)
    throw clientError('ROOM_PROOF', 'too many proofs for one audit', {
      expected: `at most ${MAX_AUDITED_PROOFS}`,
      found: `${proofs.length}`,
    })
  const checks: AuditCheck[] = []
  let named = options.contract
  const facts: (RunFacts & { run: AuditedRun })[] = []
  for (const [at, given] of proofs.entries()) {
    const one = checkOne(given, at, policy, checks)
    if (one === undefined) continue
    named ??= one.checked.named
    if (isOf(named, one, checks)) {
      facts.push(one)
      checkRun(one, checks)
    }
  }
  if (named === undefined) return { ok: false, checks, runs: [], gaps: [] }
  return together(named, facts, checks)
}

/** Whether the proof holds; undefined: it does not, and the check that says so is made. */
function checkOne(
  given: RunProof | Uint8Array,
  at: number,
  policy: TrustPolicy,
  checks: AuditCheck[],
): (RunFacts & { run: AuditedRun }) | undefined {
  const check = {
    name: 'run.proof',
    what: 'Deployment, room, offer, receipt, permit, outputs and provenance are authentic and about one run',
    proof: at,
  }
  try {
    const proof = given instanceof Uint8Array ? parseRunProof(given) : given
    const checked = checkRunProof(proof, policy)
    const run = auditedRun(at, proof, checked)
    checks.push({ ...check, status: 'pass', run: run.run })
    return { proof, checked, run }
  } catch (cause) {
    const { code, message, expected, found } =
      cause instanceof SottoError
        ? cause
        : { code: undefined, message: 'it is of no known form', expected: undefined, found: undefined }
    const told = [message, found].filter((part) => part !== undefined).join(': ')
    checks.push({
      ...check,
      status: 'fail',
      ...(code !== undefined && { code }),
      ...(expected !== undefined && { expected: plain(expected) }),
      found: plain(told),
    })
    return undefined
  }
}

function isOf(
  { digest }: NamedContract,
  { checked, run }: RunFacts & { run: AuditedRun },
  checks: AuditCheck[],
) {
  const isIt = checked.named.digest === digest
  checks.push({
    name: 'run.contract',
    what: 'The run is of this contract',
    status: isIt ? 'pass' : 'fail',
    proof: run.proof,
    run: run.run,
    ...(!isIt && { expected: digest, found: checked.named.digest }),
  })
  return isIt
}

function checkRun(facts: RunFacts & { run: AuditedRun }, checks: AuditCheck[]): void {
  const { proof, run } = facts.run
  for (const { name, what, findWrong } of RUN_CHECKS) {
    const wrong = findWrong(facts)
    const about = { name, what, proof, run }
    checks.push(
      wrong === undefined
        ? { ...about, status: 'pass' }
        : { ...about, status: 'fail', expected: plain(wrong.expected), found: plain(wrong.found) },
    )
  }
}

function together(
  named: NamedContract,
  facts: readonly (RunFacts & { run: AuditedRun })[],
  checks: AuditCheck[],
): Audit {
  const { contract } = named
  const each = new Map(facts.map(({ run }) => [run.run, run]))
  const runs = [...each.values()].sort((a, b) => a.sequence - b.sequence || a.at - b.at)
  const spent = spentBy(contract, runs)
  const gaps = gapsOf(runs)
  for (const { name, what, otherwise = 'fail', findWrong } of TOGETHER_CHECKS) {
    const wrong = findWrong({ contract, facts, runs, spent, gaps })
    checks.push(
      wrong === undefined
        ? { name, what, status: 'pass' }
        : { name, what, status: otherwise, expected: plain(wrong.expected), found: plain(wrong.found) },
    )
  }
  return {
    ok: checks.every(({ status }) => status !== 'fail'),
    contract: named,
    checks,
    runs,
    gaps,
    graph: buildGraph(named, { runs, spent }),
  }
}

function auditedRun(
  at: number,
  { offered: { offer } }: RunProof,
  { verdict, run, offer: judged }: CheckedProof,
): AuditedRun {
  const { receipt, outputs, provenance } = run
  const { startedAt, finishedAt, inputs, steps } = provenance.predicate
  return {
    proof: at,
    run: judged.run,
    sequence: receipt.sequence,
    at: receipt.issuedAt,
    startedAt,
    finishedAt,
    transform: offer.transform,
    ...(offer.template !== undefined && { template: offer.template }),
    arguments: offer.arguments,
    ...(offer.resumes !== undefined && { resumes: offer.resumes }),
    image: receipt.image,
    evidence: receipt.evidence,
    tuple: receipt.tuple,
    hardware: receipt.hardware,
    software: verdict.software,
    charges: receipt.charges,
    inputs,
    steps,
    outputs: outputs.map(({ output, digest, bytes, keys }) => ({
      output,
      digest,
      bytes,
      receivers: keys.map(({ party }) => party),
    })),
  }
}
