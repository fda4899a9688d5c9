export { createAzureGateway } from './app.ts'
export { isAzureKey } from './azure-key.ts'
