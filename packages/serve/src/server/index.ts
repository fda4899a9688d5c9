export { type RunningServer, type ServerOptions, startServer } from './start.ts'
export { writeBody, type WriteBodyOptions } from './write-body.ts'
