export { type ParentChannel, softwareHardware } from './client.ts'
