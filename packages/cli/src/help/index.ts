export { HELP_TOPICS } from './topics.ts'
