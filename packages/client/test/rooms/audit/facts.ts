import {
  chargesOf,
  type Contract,
  type NamedContract,
  planRun,
  runDigest,
  type RunReceipt,
  type SealedOutput,
  type TrainTask,
} from '@sotto/protocol/contract'
import { documentDigest } from '@sotto/protocol/keyrelease'
import { RUN_PREDICATE, type RunProvenance } from '@sotto/protocol/room'
import { named, offerOf } from '../../../../protocol/test/contract/contracts.ts'
import { RUN_CHECKS, type RunFacts } from '../../../src/rooms/audit/run-checks.ts'

/** What a proof of a run gives once it holds, of a run as it should be. Nothing in it is signed. */
export interface Run {
  named: NamedContract
  facts: RunFacts
  receipt: RunReceipt
  predicate: RunProvenance['predicate']
  outputs: SealedOutput[]
}

/** A run of a transform of this contract. */
export function runOf(contract: Contract, transform: string): Run {
  const one = named(contract)
  const plan = planRun(one.contract, transform)
  const offer = offerOf(one, transform)
  const run = runDigest(offer)
  const about = { genesis: offer.genesis, contract: one.digest, run }
  const image = plan.room[0]!
  const receipt: RunReceipt = {
    format: 'sotto-run-receipt/1',
    ...about,
    tuple: 'room',
    image,
    evidence: offer.evidence,
    hardware: ['a machine'],
    charges: chargesOf(one.contract, transform),
    sequence: 1,
    issuedAt: offer.at + 10,
  }
  const pinned = new Map(
    plan.transforms.flatMap(({ task }) => {
      const pin = task.kind === 'train' && task.recipe.kind === 'graph' ? task.recipe : task
      return pin.kind === 'infer' || pin.kind === 'graph' ? [[pin.model, pin.digest]] : []
    }),
  )
  const predicate: RunProvenance['predicate'] = {
    ...about,
    inputs: offer.inputs.map((input) => {
      const model = pinned.get(input.input)
      return { ...input, sealed: '99'.repeat(32), ...(model !== undefined && { model }) }
    }),
    steps: plan.transforms.map(({ name, task }) => ({
      transform: name,
      kind: task.kind,
      task: documentDigest(task),
      ...(name === transform && plan.rules.maxCommonWords !== undefined && { commonWords: 3 }),
      ...(task.kind === 'train' && { training: { steps: 10, ...guaranteeOf(task) } }),
    })),
    image,
    evidence: offer.evidence,
    charges: receipt.charges,
    sequence: 1,
    receipt: '01'.repeat(32),
    permit: '02'.repeat(32),
    startedAt: offer.at + 11,
    finishedAt: offer.at + 12,
  }
  const outputs = plan.outputs.map(({ name, receivers }): SealedOutput => ({
    format: 'sotto-room-output/1',
    ...about,
    output: name,
    digest: '03'.repeat(32),
    bytes: 100,
    artifact: '04'.repeat(16),
    sealed: '05'.repeat(32),
    keys: receivers.map((party) => ({ party, enc: '', wrapped: '' })),
  }))
  const shown = { evidence: [], binding: {}, checkpoint: '' } as never
  const verdict = { ok: true, steps: [], software: true, trustedParties: [], validUntil: 0 }
  const facts: RunFacts = {
    proof: {
      format: 'sotto-run-proof/1',
      contract: '',
      offered: { offer, shown },
      view: { run, state: 'done', review: [], outputs: [] },
      bundle: '',
      at: offer.at,
    },
    checked: {
      named: one,
      verdict,
      offer: {
        run,
        plan,
        steps: [],
        room: {
          tuple: 'room',
          images: [image],
          hardware: ['a machine'],
          evidence: offer.evidence,
          wrapKey: offer.wrapKey,
          receiptKey: offer.receiptKey,
        },
      },
      run: {
        receipt,
        outputs,
        provenance: {
          _type: 'https://in-toto.io/Statement/v1',
          subject: [],
          predicateType: RUN_PREDICATE,
          predicate,
        },
      },
    },
  }
  return { named: one, facts, receipt, predicate, outputs }
}

function guaranteeOf({ privacy }: TrainTask): { epsilonMicros?: number; deltaTrillionths?: number } {
  if (privacy === undefined) return {}
  const { epsilonMicros, deltaTrillionths } = privacy
  return { epsilonMicros, deltaTrillionths }
}

/** Names of the checks that find something wrong. */
export function wrongIn({ facts }: Run): string[] {
  return RUN_CHECKS.filter(({ findWrong }) => findWrong(facts) !== undefined).map(({ name }) => name)
}
