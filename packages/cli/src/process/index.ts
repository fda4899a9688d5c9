export { canRun, findProgram } from './find-program.ts'
export {
  familyOf,
  identityOf,
  isRunning,
  parseIdentity,
  type ProcessIdentity,
  signalProcess,
} from './identity.ts'
