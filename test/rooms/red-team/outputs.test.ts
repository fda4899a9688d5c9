import { OUTPUT_ATTACKS, REVIEW_ATTACKS } from './outputs.attacks.ts'
import { runAttacks } from './support/attack.ts'
import { reviewedContract, RoomScene } from './support/room-scene.ts'

runAttacks('results that nobody approved', REVIEW_ATTACKS, () => RoomScene.letters(reviewedContract))
runAttacks('outputs that the contract does not have', OUTPUT_ATTACKS, () => RoomScene.letters())
