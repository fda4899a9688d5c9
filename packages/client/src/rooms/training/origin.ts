import type { Name } from '@sotto/protocol/contract'
import type { ChargedRun, ModelOrigin } from '@sotto/protocol/training'
import { clientError } from '../../errors.ts'
import type { OpenedOutput } from '../data/index.ts'
import type { RunProof } from '../room/proof.ts'

/**
 * Where an output of a training comes from, for whoever has the output: what proves its run, without the contract, the
 * envelopes that name receivers, and the salts of other outputs.
 * @param proof of the run, verified
 * @param charged of a run that goes on with another: that one
 * @throws `ROOM_PROOF` it proves no run that is done
 */
export function originOf(
  { offered, view, bundle, at }: RunProof,
  { name: output, salt }: Pick<OpenedOutput, 'salt'> & { name: Name },
  charged?: ChargedRun,
): ModelOrigin {
  const { receipt, permit, provenance, bundles } = view
  if (receipt === undefined || permit === undefined || provenance === undefined)
    throw clientError('ROOM_PROOF', 'the proof is of a run that is not done')
  return {
    format: 'sotto-model-origin/1',
    output,
    salt,
    offered,
    receipt,
    permit,
    provenance,
    ...(bundles !== undefined && { bundles }),
    bundle,
    at,
    ...(charged && { charged }),
  }
}
