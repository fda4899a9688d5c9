export { createGiveWay, type GiveWay } from './give-way.ts'
export { pause } from './pause.ts'
