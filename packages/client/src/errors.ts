import { type ErrorAction, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'
import { refusingSteps, type Verdict } from '@sotto/verifier'

/**
 * Codes of every {@link SottoError} the client throws, by what the caller must do.
 *
 * Fix your input (`fix-input`):
 * - `RELAY_URL`: the relay address is not https (or http on this machine), or carries credentials or a query.
 * - `REQUEST_ORIGIN`: the URL belongs neither to {@link INNER_ORIGIN} nor to {@link APP_ORIGIN}; another place would see it in clear.
 * - `REQUEST_INVALID`: method, body or path cannot travel inside the encryption.
 * - `REQUEST_TOO_LARGE`: relay or gateway take no request of this size; nothing of it was answered.
 * - `STORAGE_INVALID`: what is remembered (a checkpoint, a statement of an issuer, tokens) is damaged, or another process holds it; delete it only if you know why.
 * - `PROOF_MALFORMED`: the file is no proof of an entry and no evidence of a split view.
 * - `INFERENCE_REFUSED`: the service does not take these tensors, or has no such model; `found` is its own code.
 * - `NPY_MALFORMED`: the file is no NumPy array that a model takes.
 * - `RESULT_MALFORMED`: the file is no kept result, or was changed since it was written.
 * - `ISSUER_URL`: address, key or API key of the token issuer are not what they must be.
 * - `ISSUER_REFUSED`: the token issuer refuses this account, class or request, or the service takes no tokens.
 * - `LIVE_REFUSED`: the service does not take this live recording; `found` is its own code.
 * - `MODEL_SOURCE`: what was to be sealed is no model, or changed while it was read.
 * - `ROOM_CONTRACT`: the contract is meant for another KMS, or not what the answer or the key is about.
 * - `ROOM_REFUSED`: the KMS, the room or the board refuses; its own code is what was found.
 * - `ROOM_UNAVAILABLE`: the KMS, the room or the board does not answer now.
 * - `ROOM_DATA_SOURCE`: what was to be sealed for a room is not what the contract says, or changed while it was read.
 * - `ROOM_PROOF`: the file is no proof of a run, or a damaged one.
 * - `ROOM_INVITATION`: the text is no invitation to a room, or a damaged one.
 * - `MODEL_OWNER`: another owner sealed this model, or the file is no owner's key.
 * - `MODEL_REFUSED`: registry or KMS do not do this for this owner; `found` is their own code.
 * - `MODEL_KEYS_KEPT`: the KMS does not say that the content keys of a removed model are gone; `found` names artifacts.
 * - `PROXY_CONFIG`: options of the local proxy contradict each other or are unsafe.
 *
 * Try again (`retry`):
 * - `INFERENCE_FAILED`: the service could not run the model now; `found` is its own code.
 * - `BUNDLE_UNREACHABLE`: the trust bundle could not be fetched, so nothing can be decided. Nothing was sent.
 * - `LOG_UNREADABLE`: the log does not answer, or does not serve a part of its tree.
 * - `ISSUER_UNREACHABLE`: the token issuer does not answer, so there is no token to send the request with.
 * - `ISSUER_QUOTA`: the account has no tokens left in this period.
 * - `RELAY_UNREACHABLE`: the connection to the relay failed.
 * - `RELAY_REFUSED`: relay or gateway answered outside the encryption; `found` is the outer status.
 * - `KEY_UNKNOWN`: it is said, outside the encryption, that the gateway does not hold the key; keys were verified again and a fresh request may succeed. Nobody proves that this one did not run.
 * - `RESPONSE_TRUNCATED`: the answer was cut. What arrived is authentic but incomplete: do not use it as an answer.
 * - `MODEL_UNAVAILABLE`: the registry, the KMS or the log behind it did not answer; `found` is their own code.
 * - `RECEIPT_MISSING`: the answer was complete but carried no receipt.
 * - `RECEIPT_UNPROVEN`: the receipt's certificate could not be fetched.
 * - `RECEIPT_NOT_LOGGED`: no batch of receipt digests in the log holds the receipt: it comes with the next, or was left out.
 *
 * Stop (`stop`), a security check failed:
 * - `VERIFY_REFUSED`: a step failed, or a required one was skipped ({@link VerificationRefused.verdict}). Nothing was sent.
 * - `BUNDLE_INVALID`: what the relay served is not a trust bundle. Nothing was sent.
 * - `ISSUER_INVALID`: the issuer's keys are not signed, not logged, others than before, or did not sign what was asked.
 * - `RESPONSE_INVALID`: the answer does not decrypt, or is not what the protocol allows.
 * - `PROOF_INVALID`: a proof does not prove what it says.
 * - `ROOM_OUTPUT`: what was fetched is not the output that its room stated, or is larger than what is taken here.
 * - `ROOM_OFFER`: a room does not pass, or what is said of a run is not of the room, the contract or the KMS. Nothing was sent to it, and nothing consented to.
 * - `ROOM_BOARD`: a board answered something that is none, or for another one; or a message is not of this room.
 * - `RECEIPT_INVALID`: the receipt does not verify, or is for another request, answer, key or enclave.
 * - `MODEL_LINEAGE`: a link between an answer, its model and the run that is said to have trained it is broken.
 */
export type ClientErrorCode =
  | 'RELAY_URL'
  | 'REQUEST_ORIGIN'
  | 'REQUEST_INVALID'
  | 'REQUEST_TOO_LARGE'
  | 'STORAGE_INVALID'
  | 'PROOF_MALFORMED'
  | 'INFERENCE_REFUSED'
  | 'NPY_MALFORMED'
  | 'RESULT_MALFORMED'
  | 'INFERENCE_FAILED'
  | 'ISSUER_URL'
  | 'ISSUER_REFUSED'
  | 'LIVE_REFUSED'
  | 'MODEL_SOURCE'
  | 'ROOM_CONTRACT'
  | 'ROOM_REFUSED'
  | 'ROOM_UNAVAILABLE'
  | 'ROOM_DATA_SOURCE'
  | 'ROOM_PROOF'
  | 'ROOM_INVITATION'
  | 'MODEL_OWNER'
  | 'MODEL_REFUSED'
  | 'MODEL_KEYS_KEPT'
  | 'PROXY_CONFIG'
  | 'BUNDLE_UNREACHABLE'
  | 'LOG_UNREADABLE'
  | 'ISSUER_UNREACHABLE'
  | 'ISSUER_QUOTA'
  | 'RELAY_UNREACHABLE'
  | 'RELAY_REFUSED'
  | 'KEY_UNKNOWN'
  | 'RESPONSE_TRUNCATED'
  | 'MODEL_UNAVAILABLE'
  | 'RECEIPT_MISSING'
  | 'RECEIPT_UNPROVEN'
  | 'RECEIPT_NOT_LOGGED'
  | 'VERIFY_REFUSED'
  | 'BUNDLE_INVALID'
  | 'ISSUER_INVALID'
  | 'RESPONSE_INVALID'
  | 'PROOF_INVALID'
  | 'ROOM_OUTPUT'
  | 'ROOM_OFFER'
  | 'ROOM_BOARD'
  | 'RECEIPT_INVALID'
  | 'MODEL_LINEAGE'

const ACTIONS: Readonly<Record<ClientErrorCode, ErrorAction>> = {
  RELAY_URL: 'fix-input',
  REQUEST_ORIGIN: 'fix-input',
  REQUEST_INVALID: 'fix-input',
  REQUEST_TOO_LARGE: 'fix-input',
  STORAGE_INVALID: 'fix-input',
  PROOF_MALFORMED: 'fix-input',
  INFERENCE_REFUSED: 'fix-input',
  NPY_MALFORMED: 'fix-input',
  RESULT_MALFORMED: 'fix-input',
  INFERENCE_FAILED: 'retry',
  ISSUER_URL: 'fix-input',
  ISSUER_REFUSED: 'fix-input',
  LIVE_REFUSED: 'fix-input',
  MODEL_SOURCE: 'fix-input',
  ROOM_CONTRACT: 'stop',
  ROOM_REFUSED: 'fix-input',
  ROOM_UNAVAILABLE: 'retry',
  ROOM_DATA_SOURCE: 'fix-input',
  ROOM_PROOF: 'fix-input',
  ROOM_INVITATION: 'fix-input',
  MODEL_OWNER: 'fix-input',
  MODEL_REFUSED: 'fix-input',
  MODEL_KEYS_KEPT: 'fix-input',
  PROXY_CONFIG: 'fix-input',
  BUNDLE_UNREACHABLE: 'retry',
  LOG_UNREADABLE: 'retry',
  ISSUER_UNREACHABLE: 'retry',
  ISSUER_QUOTA: 'retry',
  RELAY_UNREACHABLE: 'retry',
  RELAY_REFUSED: 'retry',
  KEY_UNKNOWN: 'retry',
  RESPONSE_TRUNCATED: 'retry',
  MODEL_UNAVAILABLE: 'retry',
  RECEIPT_MISSING: 'retry',
  RECEIPT_UNPROVEN: 'retry',
  RECEIPT_NOT_LOGGED: 'retry',
  VERIFY_REFUSED: 'stop',
  BUNDLE_INVALID: 'stop',
  ISSUER_INVALID: 'stop',
  RESPONSE_INVALID: 'stop',
  PROOF_INVALID: 'stop',
  ROOM_OUTPUT: 'stop',
  ROOM_OFFER: 'stop',
  ROOM_BOARD: 'stop',
  RECEIPT_INVALID: 'stop',
  MODEL_LINEAGE: 'stop',
}

/** A {@link SottoError} with a client code; the action follows from the code. */
export function clientError(
  code: ClientErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<ClientErrorCode> {
  return new SottoError<ClientErrorCode>(code, ACTIONS[code], message, options)
}

/**
 * `VERIFY_REFUSED` (stop): a step of the chain of trust failed, or a required one was skipped. Nothing was sent.
 *
 * @example
 * try { await connect(url, { policy }) } catch (error) {
 *   if (error instanceof VerificationRefused) console.table(error.verdict.steps)
 * }
 */
export class VerificationRefused extends SottoError<ClientErrorCode> {
  /** All steps, with what was expected and found. */
  readonly verdict: Verdict

  constructor(verdict: Verdict) {
    const refusing = refusingSteps(verdict.steps)
    const first = refusing[0]
    const names = refusing.map((step) => step.name).join(', ')
    super('VERIFY_REFUSED', 'stop', `verification refused: ${names || 'a required step did not pass'}`, {
      ...(first?.expected === undefined ? {} : { expected: first.expected }),
      ...(first?.found === undefined ? {} : { found: first.found }),
      ...(first?.reason === undefined ? {} : { hint: first.reason }),
    })
    this.verdict = verdict
  }
}
