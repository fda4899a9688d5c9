export { publishTrust, type PublishedTrust } from './publish.ts'
