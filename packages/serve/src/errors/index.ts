export { serveError, type ServeErrorCode } from './codes.ts'
export { type App, errorResponse, mapErrors, type MapErrorsOptions, type StatusByCode } from './http.ts'
