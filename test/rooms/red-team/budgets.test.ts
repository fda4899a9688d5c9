import { BUDGET_ATTACKS } from './budgets.attacks.ts'
import { runAttacks } from './support/attack.ts'
import { RoomScene } from './support/room-scene.ts'

runAttacks('more runs than the owners let', BUDGET_ATTACKS, () => RoomScene.letters())
