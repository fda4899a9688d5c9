import { claim } from '../../claims.ts'
import { CONSENT_ATTACKS } from './consents.attacks.ts'
import { runAttacks } from './support/attack.ts'
import { RoomScene } from './support/room-scene.ts'

runAttacks(
  claim('rooms.consent', 'consents that are no consents of the owners to this run'),
  CONSENT_ATTACKS,
  () => RoomScene.letters(),
)
