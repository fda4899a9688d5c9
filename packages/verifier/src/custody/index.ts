export {
  CUSTODY_STEPS,
  type CustodyEvidence,
  type CustodyVerdict,
  type CustodyQuestion,
  verifyCustody,
} from './verify.ts'
export { type LoggedShareSet, RootHistory, withAcknowledgement } from './history.ts'
