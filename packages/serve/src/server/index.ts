export { type RunningServer, type ServerOptions, startServer } from './start.ts'
export { peerOf } from './peer.ts'
export { writeBody, type WriteBodyOptions } from './write-body.ts'
