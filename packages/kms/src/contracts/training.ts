import { toBase64Url } from '@sotto/protocol/bytes'
import { isTraining, type RunOffer, type RunPlan } from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type Digest, documentDigest } from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import type { HeldContract, HeldTraining } from './types.ts'

/** Trainings of one contract that may still go on; of more, the oldest no longer do. */
const MAX_TRAININGS = 64

/**
 * The training that a run begins or goes on with; undefined for runs of other tasks. Going on is with the same inputs and
 * so with the same steps: other inputs under the same secret would show what differs.
 * @param run digest of the offer
 * @throws `KMS_CONTRACT_RUN` where there is nothing to go on with
 */
export function trainingOf(
  { trainings = [] }: HeldContract,
  { transform, inputs, resumes }: RunOffer,
  run: Digest,
  plan: RunPlan,
): HeldTraining | undefined {
  if (!isTraining(plan.transforms.at(-1)!.task)) return undefined
  const read = documentDigest(inputs)
  if (resumes === undefined)
    return { run, transform, inputs: read, secret: toBase64Url(crypto.randomBytes(32)) }
  const training = trainings.find((one) => one.run === resumes)
  if (training === undefined)
    throw kmsError('KMS_CONTRACT_RUN', 'there is no training of that run to go on with', {
      hint: 'Its result has left already, or it never began: ask for a run from the beginning.',
    })
  if (training.transform === transform && training.inputs === read) return training
  throw kmsError('KMS_CONTRACT_RUN', 'a training goes on with the inputs that it began with')
}

/** Trainings that may go on, with one that has begun. */
export function withTraining(
  { trainings = [] }: HeldContract,
  training: HeldTraining,
): readonly HeldTraining[] {
  return trainings.includes(training) ? trainings : [...trainings, training].slice(-MAX_TRAININGS)
}

/** The same once a result of it leaves: nothing else of it does. @throws `KMS_CONTRACT_RUN` where something has */
export function withoutTraining(held: HeldContract, run: Digest): readonly HeldTraining[] {
  const gone = requireTraining(held, run)
  return held.trainings!.filter((training) => training !== gone)
}

/** The secret of a training, base64url: it goes where keys go. @throws `KMS_CONTRACT_RUN` */
export function secretOf(held: HeldContract, run: Digest): string {
  return requireTraining(held, run).secret
}

function requireTraining({ trainings = [] }: HeldContract, run: Digest): HeldTraining {
  const training = trainings.find((one) => one.run === run)
  if (training !== undefined) return training
  throw kmsError(
    'KMS_CONTRACT_RUN',
    'this training has given its result, or too many others have begun since',
  )
}
