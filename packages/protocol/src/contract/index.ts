export {
  type AcceptCall,
  type ContractCall,
  contractCallDecoder,
  type ContractEvent,
  contractEventDecoder,
  type ContractView,
  contractViewDecoder,
  type MadeOutput,
  MAX_CALL_ANSWER_BYTES,
  MAX_CALL_BYTES,
  type ReleaseCall,
  RUN_TYPES,
  type RunAnswer,
  type RunCall,
  type RunKeys,
  type RunPermit,
  type RunReceipt,
  type RunResult,
  runResultDecoder,
  type ShowCall,
  type SignCall,
  type SignedKind,
} from './calls.ts'
export { contractDecoder, MAX_CONTRACT_BYTES, MAX_PARTIES } from './decode.ts'
export {
  encodeContract,
  type NamedContract,
  parseContract,
  partyOf,
  type PartyDocuments,
  signPartyDocument,
  verifyPartyDocument,
} from './documents.ts'
export { contractError, type ContractErrorCode } from './errors.ts'
export { type Edge, planRun, type RunPlan } from './graph.ts'
export { charged, chargesOf, chargesOfRun, type Left, remaining, type Spent, sumOfCharges } from './ledger.ts'
export { COLUMN_NAME, CONTRACT_NAME } from './names.ts'
export { type DerivedRules, joinRules, MAX_COLUMNS, type Rules } from './rules.ts'
export {
  type Argument,
  type Charge,
  type OutputApproval,
  type RunConsent,
  type RunInput,
  type RunOffer,
  runOfferDecoder,
} from './runs.ts'
export {
  contractPhase,
  type ContractPhase,
  type ContractRecord,
  isConsented,
  requireInForce,
} from './state.ts'
export {
  type CodeLimits,
  type ContainerTask,
  INFERENCE_ACTIONS,
  type InferenceAction,
  type InferSettings,
  type InferTask,
  isTraining,
  type NoisePlan,
  PARAMETER_TYPES,
  type SqlParameter,
  type SqlTask,
  type SqlTemplate,
  type Task,
  type WasmTask,
} from './tasks.ts'
export { type FinetuneTask, LORA_TARGETS, type LoraTarget } from './finetune-task.ts'
export { measuredTables, type Price, priceOf } from './prices.ts'
export {
  epsilonMicrosFor,
  noiseMicrosFor,
  type PrivacyTerms,
  provenEpsilonMicros,
  requireProvenPrivacy,
} from './train-privacy.ts'
export type { Descent, TrainPrivacy } from './learning.ts'
export { type TrainColumn, type TrainRecipe, type TrainTask } from './train-task.ts'
export {
  type Acceptance,
  type Closing,
  type Column,
  COLUMN_TYPES,
  type ConsentKind,
  CONSENTS,
  type Contract,
  CONTRACT_TYPES,
  type DataStatement,
  type Input,
  INPUT_KINDS,
  type InputKind,
  type Inquiry,
  type Name,
  type Output,
  OUTPUT_PARTS,
  type OutputPart,
  type Party,
  type Transform,
  type Use,
  type Withdrawal,
} from './types.ts'
export {
  encodeOutputMetadata,
  openOutputKey,
  OUTPUT_TYPE,
  outputDigest,
  type OutputKey,
  type OutputMetadata,
  type OutputOf,
  requireOutput,
  type SealedOutput,
  signSealedOutput,
  verifySealedOutput,
  wrapOutputKeys,
} from './sealed-output.ts'
export { requireConsents, runDigest, runInfo, verifyOffer } from './verify-run.ts'
export {
  type OfRun,
  permitAnswerDecoder,
  runAnswerDecoder,
  runKeysDecoder,
  verifyRunPermit,
  verifyRunReceipt,
  verifyRunResult,
} from './run-statements.ts'
