export { parseEvent } from './parse-event.ts'
export { readServerSentEvents } from './read-events.ts'
