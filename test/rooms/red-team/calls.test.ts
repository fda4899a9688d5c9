import { CALL_ATTACKS } from './calls.attacks.ts'
import { runAttacks } from './support/attack.ts'
import { RoomScene } from './support/room-scene.ts'

runAttacks('calls that no party makes', CALL_ATTACKS, () => RoomScene.letters())
