export { readServerSentEvents } from './read-events.ts'
