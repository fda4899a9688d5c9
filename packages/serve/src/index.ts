export { serveError, type ServeErrorCode } from './errors/index.ts'
