export {
  familyOf,
  identityOf,
  isRunning,
  parseIdentity,
  type ProcessIdentity,
  signalProcess,
} from './identity.ts'
