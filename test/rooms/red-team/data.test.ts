import { DATA_ATTACKS } from './data.attacks.ts'
import { runAttacks } from './support/attack.ts'
import { RoomScene } from './support/room-scene.ts'

runAttacks('data that is not what it was or what its owner says', DATA_ATTACKS, () => RoomScene.letters())
