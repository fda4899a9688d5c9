import { claim } from '../../claims.ts'
import { OUTPUT_ATTACKS, REVIEW_ATTACKS } from './outputs.attacks.ts'
import { runAttacks } from './support/attack.ts'
import { reviewedContract, RoomScene } from './support/room-scene.ts'

runAttacks(claim('rooms.rules', 'results that nobody approved'), REVIEW_ATTACKS, () =>
  RoomScene.letters(reviewedContract),
)
runAttacks(
  claim(['rooms.rules', 'rooms.sealed'], 'outputs that the contract does not have'),
  OUTPUT_ATTACKS,
  () => RoomScene.letters(),
)
