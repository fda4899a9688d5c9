import type { GraphRuns } from '@sotto/client/rooms/audit'
import type { ContractView, NamedContract } from '@sotto/protocol/contract'
import type { OpenRoom } from './open-room.svelte.ts'

/**
 * What was made of a contract, for its picture: budgets as the KMS says, what was asked for, and of that the outputs of
 * runs that this page has verified.
 */
export function usesOf(room: OpenRoom, named: NamedContract, view: ContractView | undefined): GraphRuns {
  const runs = [...(room.state?.runs.values() ?? [])].filter(
    ({ offered }) => offered.offer.contract === named.digest,
  )
  return {
    runs: runs.map(({ run, offered }) => ({
      transform: offered.offer.transform,
      outputs: (room.runOf(run).verified?.outputs ?? []).map(({ output, digest, bytes, keys }) => ({
        output,
        digest,
        bytes,
        receivers: keys.map(({ party }) => party),
      })),
    })),
    spent: (view?.left ?? []).map(
      ({ input, transform, runs: left, epsilonMicros = 0, deltaTrillionths = 0 }) => {
        const use = named.contract.inputs
          .find(({ name }) => name === input)
          ?.uses.find((one) => one.transform === transform)
        const delta = (use?.deltaTrillionths ?? deltaTrillionths) - deltaTrillionths
        return {
          input,
          transform,
          runs: (use?.runs ?? left) - left,
          epsilonMicros: (use?.epsilonMicros ?? epsilonMicros) - epsilonMicros,
          ...(delta > 0 && { deltaTrillionths: delta }),
        }
      },
    ),
  }
}
