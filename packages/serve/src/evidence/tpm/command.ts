import { concat, uint } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import { TpmReader } from '@sotto/verifier/tpm'
import { collectError } from '../errors.ts'
import { decodeResponseCode, type ResponseCode } from './response-code.ts'

/** TPM_ST: a command without and with authorizations (Part 2, Section 6.9). */
const NO_SESSIONS = 0x8001
const SESSIONS = 0x8002
/** TPM_RS_PW: a password instead of a session; here always the empty one. */
const PASSWORD_SESSION = 0x40000009
const HEADER_BYTES = 10
/** TPM2_MAX_COMMAND_SIZE and the response of the same length, as the kernel's buffer for the device. */
export const MAX_MESSAGE_BYTES = 4096

/** Commands that collecting needs (Part 2, Section 6.5.2). */
export const TPM_CC = {
  NV_DefineSpace: 0x12a,
  NV_Write: 0x137,
  NV_Read: 0x14e,
  Quote: 0x158,
  NV_ReadPublic: 0x169,
  ReadPublic: 0x173,
  GetCapability: 0x17a,
  PCR_Read: 0x17e,
} as const

/** One command. */
export interface TpmCommand {
  code: keyof typeof TPM_CC
  handles?: readonly number[]
  /** Whether the first handle is authorized, with the empty password. */
  isAuthorized?: boolean
  parameters?: Uint8Array
}

/** Bytes of a command (Part 1, Section 18). */
export function encodeCommand({
  code,
  handles = [],
  isAuthorized = false,
  parameters,
}: TpmCommand): Uint8Array {
  const body = concat(
    ...handles.map((handle) => uint(handle, 4)),
    ...(isAuthorized ? [uint(PASSWORD_AREA.length, 4), PASSWORD_AREA] : []),
    parameters ?? new Uint8Array(0),
  )
  const tag = isAuthorized ? SESSIONS : NO_SESSIONS
  return concat(uint(tag, 2), uint(HEADER_BYTES + body.length, 4), uint(TPM_CC[code], 4), body)
}

/** TPMS_AUTH_COMMAND: no nonce, no attributes, an empty password. */
const PASSWORD_AREA = concat(uint(PASSWORD_SESSION, 4), uint(0, 2), uint(0, 1), uint(0, 2))

/** TPM2B of these bytes. */
export function sized(bytes: Uint8Array): Uint8Array {
  return concat(uint(bytes.length, 2), bytes)
}

/**
 * Parameters of a response, which whoever holds the other end of the device may have written.
 *
 * @throws `COLLECT_MALFORMED`; `COLLECT_BUSY` or `COLLECT_FAILED` with the name of the TPM's own code
 */
export function decodeResponse(command: TpmCommand, response: Uint8Array): Uint8Array {
  const malformed = (what: string, expected: string, found: string): Error =>
    collectError('COLLECT_MALFORMED', `answer of the TPM to ${command.code}: ${what}`, { expected, found })
  if (response.length < HEADER_BYTES)
    throw malformed('truncated', `at least ${HEADER_BYTES} bytes`, `${response.length}`)
  const reader = new TpmReader(response)
  const tag = reader.uint(2)
  const size = reader.uint(4)
  const code = reader.uint(4)
  if (size !== response.length)
    throw malformed('another size than it says', `${size} bytes`, `${response.length}`)
  const expected = command.isAuthorized === true && code === 0 ? SESSIONS : NO_SESSIONS
  if (tag !== expected) throw malformed('another tag', `0x${expected.toString(16)}`, `0x${tag.toString(16)}`)
  if (code !== 0) {
    if (size !== HEADER_BYTES) throw malformed('an error with content', `${HEADER_BYTES} bytes`, `${size}`)
    throw refusedByTpm(command, code)
  }
  if (expected === NO_SESSIONS) return reader.take(reader.remaining)
  const length = reader.remaining < 4 ? 0 : reader.uint(4)
  if (length > reader.remaining)
    throw malformed('parameters past the end', `at most ${reader.remaining}`, `${length}`)
  const parameters = reader.take(length)
  requirePasswordAnswer(reader, malformed)
  return parameters
}

/** TPMS_AUTH_RESPONSE for a password: nothing in it. Bit 0, continueSession, may be set. */
function requirePasswordAnswer(
  reader: TpmReader,
  malformed: (what: string, expected: string, found: string) => Error,
): void {
  const area = reader.take(reader.remaining)
  const isEmpty = area.length === 5 && area.every((byte, index) => (index === 2 ? byte <= 1 : byte === 0))
  if (!isEmpty) throw malformed('another session area', 'an empty one of 5 bytes', `${area.length} bytes`)
}

function refusedByTpm({ code }: TpmCommand, responseCode: number): Error {
  const cause = decodeResponseCode(responseCode)
  const about = cause.about === undefined ? '' : ` (${cause.about})`
  return collectError(
    cause.isPassing ? 'COLLECT_BUSY' : 'COLLECT_FAILED',
    `the TPM refused ${code}: ${cause.name}${about}`,
    { found: `0x${responseCode.toString(16)}`, cause },
  )
}

/** Whether a TPM refused with this code, `TPM_RC_HANDLE`. */
export function isTpmRefusal(error: unknown, name: string): boolean {
  const cause = error instanceof SottoError ? (error.cause as Partial<ResponseCode> | undefined) : undefined
  return cause?.name === name
}
