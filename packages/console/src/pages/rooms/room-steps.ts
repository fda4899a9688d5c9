import type { RoomRun } from '@sotto/client/rooms'
import { type NamedContract, planRun } from '@sotto/protocol/contract'
import { parseTrustBundle } from '@sotto/protocol/evidence'
import { type Step, verifyTrustBundle } from '@sotto/verifier'
import { verifyRoom } from '@sotto/verifier/room'
import type { Connection } from '../../connection/index.ts'

/**
 * Every step about the room of a run that was refused, to be shown: the refusal itself says only what did not pass.
 * Nothing rests on them.
 * @returns none where the bundle is not there any more, or the contract has no such transform
 */
export async function roomSteps(
  { bundle, config }: Connection,
  { contract }: Pick<NamedContract, 'contract'>,
  { offered: { offer, shown } }: Pick<RoomRun, 'offered'>,
): Promise<readonly Step[]> {
  const now = Math.floor(Date.now() / 1000)
  if (bundle === undefined || config === undefined) return []
  try {
    const bytes = new Uint8Array(await new Blob([...bundle]).arrayBuffer())
    const { service } = verifyTrustBundle(parseTrustBundle(bytes), config.policy, { now })
    if (service === undefined) return []
    const images = planRun(contract, offer.transform).room
    return verifyRoom(shown, { service, policy: config.policy, images, now }).steps
  } catch {
    return []
  }
}
