import { type ErrorAction, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of every {@link SottoError} the command line itself throws. Exit codes: see `framework/exit-codes.ts`.
 * - `CLI_USAGE` (fix-input): a flag, argument or combination of them is wrong.
 * - `CLI_CONFIG` (fix-input): a configuration or policy file is unreadable or not what it must be.
 * - `CLI_FILE` (fix-input): a file named on the command line cannot be read or written.
 * - `CLI_STDIN` (fix-input): standard input is empty, taken twice, or a terminal where data is needed.
 * - `CLI_CANCELLED` (retry): the user interrupted.
 * - `CLI_AUTH` (fix-input): the service wants a credential.
 * - `CLI_PENDING` (retry): the service is still starting.
 * - `CLI_REQUEST` (fix-input): the service does not accept the request as it is.
 * - `CLI_SERVICE` (retry): the service failed.
 * - `CLI_REFUSED` (stop): a document is authentic but the policy does not accept it.
 * - `CLI_NOT_AUTHENTIC` (stop): a document or its evidence does not verify.
 * - `CLI_HUB` (retry): a model hub cannot be reached, failed, or cut the connection.
 * - `CLI_MODEL` (fix-input): a hub has no such model, or no engine runs it.
 * - `CLI_SOURCE` (fix-input): a checkout does not build.
 * - `CLI_MODEL_DIGEST` (stop): the bytes of a model are not those its digest names.
 * - `BENCH_FAILED` (fix-input): a model cannot be measured: its engine refuses it, or the text or recording.
 * - `QUANTIZER_MISSING` (fix-input): llama-quantize is not on this machine.
 * - `QUANTIZER_FAILED` (fix-input): llama-quantize did not make the file.
 * - `MICROPHONE_MISSING` (fix-input): no program of this machine records from a microphone.
 * - `MICROPHONE_FAILED` (fix-input): the program that records did not, or ended.
 *
 * The local stack:
 * - `STACK_NOT_BUILT` (fix-input): the images are not there.
 * - `STACK_RUNNING` (fix-input): a stack runs or starts in this folder already.
 * - `STACK_NOT_RUNNING` (fix-input): no stack runs in this folder.
 * - `STACK_FOLDER` (fix-input): the folder of the stack's state cannot be written.
 * - `STACK_DISK_FULL` (retry): no space for the stack's state.
 * - `STACK_FAILED` (retry): the stack in the background did not start.
 * - `STACK_UNREACHABLE` (retry): a part of the local stack does not answer.
 * - `ROLE_FAILED` (retry): a part of the stack ended or hung before it was ready.
 * - `MODEL_INVALID` (fix-input): a folder holds no model, or a manifest or file in it is not what it must be.
 * - `IMAGE_UNMEASURABLE` (fix-input): an image holds something that cannot be measured.
 * - `SOFTWARE_TEE_STATE` (fix-input): the keys of the software machine are damaged.
 * - `SOFTWARE_TEE_NOT_LOOPBACK` (stop): a configuration would open a software TEE to the network (T10).
 * - `DEMO_FAILED` (retry): a job of the demo was answered with an error.
 *
 * OCI images:
 * - `IMAGE_INVALID` (fix-input): an image, its layout or one of its layers is not what it must be.
 * - `IMAGE_UNSUPPORTED` (fix-input): an image holds something that this command does not know how to treat.
 * - `IMAGE_REFERENCE` (fix-input): a reference names no image, or none by its digest.
 * - `IMAGE_DIGEST` (stop): the bytes of an image are not those its digest names.
 * - `REGISTRY_FAILED` (retry): a registry cannot be reached, failed, or cut the connection.
 *
 * Deployments:
 * - `DEPLOY_FILE` (fix-input): a `sotto.yaml` is missing or not what it must be.
 * - `DEPLOY_APP` (fix-input): the code of an app, or where a secret is read, is not what the file says.
 * - `DEPLOY_NAME` (fix-input): another folder has a deployment of this name.
 * - `DEPLOY_UNKNOWN` (fix-input): there is no such deployment.
 * - `DEPLOY_EXPIRED` (fix-input): the time until which the deployment serves is over.
 * - `DEPLOY_TESTS` (retry): the tests of an app failed.
 * - `DEPLOY_TARGET` (fix-input): the target lacks something, or a program that it needs.
 * - `DEPLOY_DIFFERS` (stop): what is to be deployed is not what the images make.
 *
 * Clean rooms:
 * - `ROOM_DRAFT` (fix-input): a draft of a contract is missing or not what it must be.
 * - `ROOM_UNKNOWN` (fix-input): there is no such room on this machine, or it is open which one is meant.
 * - `ROOM_EXISTS` (fix-input): a room of this name is on this machine already.
 * - `ROOM_ITEM` (fix-input): no contract or run is what was named, or several could be.
 * - `ROOM_MEMBER` (stop): a name or a key in a room or contract belongs to somebody else.
 * - `ROOM_STATE` (fix-input): as the room stands, this cannot be done, or not by this party.
 * - `ROOM_WAITING` (retry): other parties have to act first.
 * - `ROOM_RUN_FAILED` (fix-input): a run ended without a result; nothing left its room.
 */
export type CliErrorCode =
  | 'CLI_USAGE'
  | 'CLI_CONFIG'
  | 'CLI_FILE'
  | 'CLI_STDIN'
  | 'CLI_CANCELLED'
  | 'CLI_AUTH'
  | 'CLI_PENDING'
  | 'CLI_REQUEST'
  | 'CLI_SERVICE'
  | 'CLI_REFUSED'
  | 'CLI_NOT_AUTHENTIC'
  | 'CLI_HUB'
  | 'CLI_MODEL'
  | 'CLI_SOURCE'
  | 'CLI_MODEL_DIGEST'
  | 'BENCH_FAILED'
  | 'QUANTIZER_MISSING'
  | 'QUANTIZER_FAILED'
  | 'MICROPHONE_MISSING'
  | 'MICROPHONE_FAILED'
  | 'STACK_NOT_BUILT'
  | 'STACK_RUNNING'
  | 'STACK_NOT_RUNNING'
  | 'STACK_FOLDER'
  | 'STACK_DISK_FULL'
  | 'STACK_FAILED'
  | 'STACK_UNREACHABLE'
  | 'ROLE_FAILED'
  | 'MODEL_INVALID'
  | 'IMAGE_UNMEASURABLE'
  | 'SOFTWARE_TEE_STATE'
  | 'SOFTWARE_TEE_NOT_LOOPBACK'
  | 'DEMO_FAILED'
  | 'IMAGE_INVALID'
  | 'IMAGE_UNSUPPORTED'
  | 'IMAGE_REFERENCE'
  | 'IMAGE_DIGEST'
  | 'REGISTRY_FAILED'
  | 'DEPLOY_FILE'
  | 'DEPLOY_APP'
  | 'DEPLOY_NAME'
  | 'DEPLOY_UNKNOWN'
  | 'DEPLOY_EXPIRED'
  | 'DEPLOY_TESTS'
  | 'DEPLOY_TARGET'
  | 'DEPLOY_DIFFERS'
  | 'ROOM_DRAFT'
  | 'ROOM_UNKNOWN'
  | 'ROOM_EXISTS'
  | 'ROOM_ITEM'
  | 'ROOM_MEMBER'
  | 'ROOM_STATE'
  | 'ROOM_WAITING'
  | 'ROOM_RUN_FAILED'

const ACTIONS: Readonly<Record<CliErrorCode, ErrorAction>> = {
  CLI_USAGE: 'fix-input',
  CLI_CONFIG: 'fix-input',
  CLI_FILE: 'fix-input',
  CLI_STDIN: 'fix-input',
  CLI_CANCELLED: 'retry',
  CLI_AUTH: 'fix-input',
  CLI_PENDING: 'retry',
  CLI_REQUEST: 'fix-input',
  CLI_SERVICE: 'retry',
  CLI_REFUSED: 'stop',
  CLI_NOT_AUTHENTIC: 'stop',
  CLI_HUB: 'retry',
  CLI_MODEL: 'fix-input',
  CLI_SOURCE: 'fix-input',
  CLI_MODEL_DIGEST: 'stop',
  BENCH_FAILED: 'fix-input',
  QUANTIZER_MISSING: 'fix-input',
  QUANTIZER_FAILED: 'fix-input',
  MICROPHONE_MISSING: 'fix-input',
  MICROPHONE_FAILED: 'fix-input',
  STACK_NOT_BUILT: 'fix-input',
  STACK_RUNNING: 'fix-input',
  STACK_NOT_RUNNING: 'fix-input',
  STACK_FOLDER: 'fix-input',
  STACK_DISK_FULL: 'retry',
  STACK_FAILED: 'retry',
  STACK_UNREACHABLE: 'retry',
  ROLE_FAILED: 'retry',
  MODEL_INVALID: 'fix-input',
  IMAGE_UNMEASURABLE: 'fix-input',
  SOFTWARE_TEE_STATE: 'fix-input',
  SOFTWARE_TEE_NOT_LOOPBACK: 'stop',
  DEMO_FAILED: 'retry',
  IMAGE_INVALID: 'fix-input',
  IMAGE_UNSUPPORTED: 'fix-input',
  IMAGE_REFERENCE: 'fix-input',
  IMAGE_DIGEST: 'stop',
  REGISTRY_FAILED: 'retry',
  DEPLOY_FILE: 'fix-input',
  DEPLOY_APP: 'fix-input',
  DEPLOY_NAME: 'fix-input',
  DEPLOY_UNKNOWN: 'fix-input',
  DEPLOY_EXPIRED: 'fix-input',
  DEPLOY_TESTS: 'retry',
  DEPLOY_TARGET: 'fix-input',
  DEPLOY_DIFFERS: 'stop',
  ROOM_DRAFT: 'fix-input',
  ROOM_UNKNOWN: 'fix-input',
  ROOM_EXISTS: 'fix-input',
  ROOM_ITEM: 'fix-input',
  ROOM_MEMBER: 'stop',
  ROOM_STATE: 'fix-input',
  ROOM_WAITING: 'retry',
  ROOM_RUN_FAILED: 'fix-input',
}

/** A {@link SottoError} with a command-line code; the action follows from the code. */
export function cliError(
  code: CliErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<CliErrorCode> {
  return new SottoError<CliErrorCode>(code, ACTIONS[code], message, options)
}

/** What a service says of a request it did not serve, from the OpenAI envelope inside the encryption. */
export interface ServiceProblem {
  /** Absent where it broke off in a stream that had begun well. */
  status?: number
  /** Its own code, like `model_not_found`. */
  code?: string
  /** The field it is about. */
  param?: string
}

/** An error that is a service's answer. */
export class ServiceError extends SottoError<CliErrorCode> {
  readonly service: ServiceProblem

  constructor(code: CliErrorCode, message: string, service: ServiceProblem, options: SottoErrorOptions = {}) {
    super(code, ACTIONS[code], message, options)
    this.service = service
  }
}
