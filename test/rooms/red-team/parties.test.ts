import { PARTY_ATTACKS } from './parties.attacks.ts'
import { runAttacks } from './support/attack.ts'
import { PartyScene } from './support/party-scene.ts'

runAttacks('what parties are told that is not so', PARTY_ATTACKS, () => PartyScene.open())
