import { ROOM_ATTACKS } from './rooms.attacks.ts'
import { runAttacks } from './support/attack.ts'
import { RoomScene } from './support/room-scene.ts'

runAttacks('rooms that are not what owners saw, and a KMS that is not honest', ROOM_ATTACKS, () =>
  RoomScene.letters(),
)
