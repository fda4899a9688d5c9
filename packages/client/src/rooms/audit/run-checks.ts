import { chargesOfRun, isTraining } from '@sotto/protocol/contract'
import { documentDigest } from '@sotto/protocol/keyrelease'
import type { ProvenanceStep } from '@sotto/protocol/room'
import type { CheckedProof, RunProof } from '../room/proof.ts'
import { differenceOf, listed, type Mismatch, orderDifferenceOf } from './compare.ts'
import { chargeWords, privacyWords } from './words.ts'

/** A proof that holds. */
export interface RunFacts {
  proof: RunProof
  checked: CheckedProof
}

/** A question about one run whose proof holds. */
export interface RunCheck {
  name: string
  what: string
  /** What is wrong; undefined: nothing. */
  findWrong(facts: RunFacts): Mismatch | undefined
}

/** How far clocks of a KMS and of a room may differ. */
export const CLOCK_SKEW_SECONDS = 60

/**
 * What the statements about one run say, against the contract. That they are authentic the proof has shown; a KMS or a
 * room that errs signs wrong statements as well as right ones.
 */
export const RUN_CHECKS: readonly RunCheck[] = [
  {
    name: 'run.room',
    what: 'The receipt names the program whose evidence the room showed',
    findWrong: ({ checked: { offer, run } }) =>
      offer.room.images.includes(run.receipt.image)
        ? undefined
        : { expected: listed(offer.room.images, 'no image'), found: run.receipt.image },
  },
  {
    name: 'run.charges',
    what: 'The receipt charges what the contract says that a run costs',
    findWrong: ({ proof, checked: { named, run } }) =>
      differenceOf(
        chargesOfRun(named.contract, proof.offered.offer).map(chargeWords),
        run.receipt.charges.map(chargeWords),
      ),
  },
  {
    name: 'run.inputs',
    what: 'The room read the sealed files of the offer, and no others',
    findWrong: ({ proof, checked: { run } }) => {
      const told = ({ input, artifact, content }: { input: string; artifact: string; content: string }) =>
        `${input}: file ${artifact}, content ${content}`
      return orderDifferenceOf(
        proof.offered.offer.inputs.map(told),
        run.provenance.predicate.inputs.map(told),
      )
    },
  },
  {
    name: 'run.steps',
    what: 'The room took the steps of the contract, in their order',
    findWrong: ({ checked: { offer, run } }) =>
      orderDifferenceOf(
        offer.plan.transforms.map(({ name, task }) => `${name} (${task.kind})`),
        run.provenance.predicate.steps.map(({ transform, kind }) => `${transform} (${kind})`),
      ),
  },
  {
    name: 'run.tasks',
    what: 'Each step ran the task of the contract',
    findWrong: ({ checked: { offer, run } }) =>
      differenceOf(
        offer.plan.transforms.map(({ name, task }) => `${name}: task ${documentDigest(task)}`),
        run.provenance.predicate.steps.map(({ transform, task }) => `${transform}: task ${task}`),
      ),
  },
  {
    name: 'run.models',
    what: 'The models that answered are those that the contract pins',
    findWrong: findWrongModel,
  },
  {
    name: 'run.receivers',
    what: 'Each output went to the receivers of the contract, whom every owner admits',
    findWrong: findWrongReceiver,
  },
  {
    name: 'run.sizes',
    what: 'No output is larger than agreed',
    findWrong({ checked: { offer, run } }) {
      const large = run.outputs.find(({ output, bytes }) => bytes > maxBytesOf(offer.plan.outputs, output))
      return (
        large && {
          expected: `${large.output}: at most ${maxBytesOf(offer.plan.outputs, large.output)} bytes`,
          found: `${large.bytes} bytes`,
        }
      )
    },
  },
  {
    name: 'run.words',
    what: 'The result repeats no longer passage than owners of texts let out',
    findWrong({ checked: { offer, run } }) {
      const { maxCommonWords } = offer.plan.rules
      if (maxCommonWords === undefined) return undefined
      const found = run.provenance.predicate.steps.at(-1)?.commonWords
      if (found !== undefined && found <= maxCommonWords) return undefined
      return {
        expected: `at most ${maxCommonWords} words`,
        found: found === undefined ? 'no figure' : `${found} words`,
      }
    },
  },
  {
    name: 'run.training',
    what: 'What the room trained has the guarantee of the contract, and was charged for it',
    findWrong: findWrongGuarantee,
  },
  {
    name: 'run.times',
    what: 'It began while contract and offer were in force, ended after that, and was verified later',
    findWrong: findWrongTime,
  },
]

function maxBytesOf(outputs: readonly { name: string; maxBytes: number }[], output: string): number {
  return outputs.find(({ name }) => name === output)?.maxBytes ?? 0
}

function findWrongModel({ checked: { offer, run } }: RunFacts): Mismatch | undefined {
  const { inputs, transforms } = offer.plan
  const expected = inputs.map(({ name }) => {
    const pinned = transforms.flatMap(({ task }) => {
      const pin = task.kind === 'train' ? task.recipe : task
      const isPin = pin.kind === 'infer' || pin.kind === 'finetune' || pin.kind === 'graph'
      return isPin && pin.model === name ? [pin.digest] : []
    })
    return `${name}: ${pinned.length === 0 ? 'no model' : [...new Set(pinned)].join(' and ')}`
  })
  const found = run.provenance.predicate.inputs.map(({ input, model }) => `${input}: ${model ?? 'no model'}`)
  return differenceOf(expected, found)
}

function findWrongReceiver({ checked: { offer, run } }: RunFacts): Mismatch | undefined {
  const { outputs, rules } = offer.plan
  const found = run.outputs.map(({ output, keys }) =>
    receiversWords(
      output,
      keys.map(({ party }) => party),
    ),
  )
  const expected = run.outputs.map(({ output }) => {
    const agreed = outputs.find(({ name }) => name === output)?.receivers ?? []
    return receiversWords(
      output,
      agreed.filter((party) => rules.receivers.includes(party)),
    )
  })
  return differenceOf(expected, found)
}

function findWrongGuarantee({ checked: { offer, run } }: RunFacts): Mismatch | undefined {
  const { steps } = run.provenance.predicate
  const trained = offer.plan.transforms.flatMap(({ name, task }) =>
    isTraining(task) ? [{ name, privacy: task.privacy }] : [],
  )
  return differenceOf(
    trained.map(({ name, privacy }) => guaranteeWords(name, privacy)),
    trained.map(({ name }) =>
      guaranteeWords(name, steps.find(({ transform }) => transform === name)?.training),
    ),
  )
}

function guaranteeWords(
  name: string,
  {
    epsilonMicros,
    deltaTrillionths,
  }: Pick<NonNullable<ProvenanceStep['training']>, 'epsilonMicros' | 'deltaTrillionths'> = {},
): string {
  return `${name}: ${epsilonMicros === undefined ? 'no guarantee' : privacyWords(epsilonMicros, deltaTrillionths)}`
}

function receiversWords(output: string, receivers: readonly string[]): string {
  return `${output} for ${receivers.toSorted().join(', ') || 'nobody'}`
}

function findWrongTime({ proof, checked: { named, run } }: RunFacts): Mismatch | undefined {
  const { offer } = proof.offered
  const { issuedAt } = run.receipt
  const { startedAt, finishedAt } = run.provenance.predicate
  const from = Math.max(named.contract.notBefore, offer.at) - CLOCK_SKEW_SECONDS
  const until = Math.min(named.contract.notAfter, offer.notAfter) + CLOCK_SKEW_SECONDS
  if (issuedAt < from || issuedAt >= until)
    return { expected: `keys released from ${from} until ${until}`, found: `${issuedAt}` }
  // Whoever made the proof says when: the deployment was judged as of then.
  if (proof.at + CLOCK_SKEW_SECONDS < issuedAt)
    return { expected: `verified at ${issuedAt} or later`, found: `${proof.at}` }
  if (finishedAt < startedAt)
    return { expected: `an end at ${startedAt} or later`, found: `an end at ${finishedAt}` }
  return undefined
}
