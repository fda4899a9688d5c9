export { identity } from './identity.svelte.ts'
