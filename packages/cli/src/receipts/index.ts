export { readKept } from './read-kept.ts'
