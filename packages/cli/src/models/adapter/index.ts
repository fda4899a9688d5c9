export { adaptedModel } from './adapted.ts'
