export { createKmsApp, type KmsAppOptions } from './app.ts'
