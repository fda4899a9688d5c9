export { type OfferedModel, offeredModels, parseOffered } from './offered.ts'
export { readEvent } from './read-event.ts'
export { refusalIn, refusalOf } from './read-refusal.ts'
