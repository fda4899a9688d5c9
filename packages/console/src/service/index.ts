export { type OfferedModel, offeredModels, parseOffered } from './offered.ts'
export { refusalIn, refusalOf } from './read-refusal.ts'
