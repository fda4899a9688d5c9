import { hasCode, SottoError } from '@sotto/protocol/errors'
import { TpmReader } from '@sotto/verifier/tpm'
import { collectError, withErrno } from '../errors.ts'
import type { Device, Machine } from '../machine.ts'
import { withTimeout } from '../timeout.ts'
import { decodeResponse, encodeCommand, MAX_MESSAGE_BYTES, type TpmCommand } from './command.ts'

/** Behind the kernel's resource manager, so that nobody else's keys and sessions are in the way. */
export const TPM_PATH: string = '/dev/tpmrm0'
/** A quote takes 5 to 500 ms; the kernel's own limit for the slowest commands is 5 minutes. */
const DEFAULT_TIMEOUT_MS = 10_000
const MAX_TRIES = 6
const FIRST_WAIT_MS = 20

const HINTS = {
  COLLECT_UNAVAILABLE: 'this machine has no TPM 2.0, or its driver is not loaded (tpm_crb, tpm_tis)',
  COLLECT_DENIED: 'add the user to the group tss, or run as root',
  COLLECT_BUSY: 'another process has /dev/tpm0 open: it must use /dev/tpmrm0',
}

/** A TPM to ask. Commands of one caller at a time, in order. */
export interface Tpm {
  /** Parameters of the answer. @throws `COLLECT_*` */
  run(command: TpmCommand): Promise<TpmReader>
  close(): Promise<void>
}

/** How a TPM is reached. */
export interface TpmOptions {
  /** Default `/dev/tpmrm0`. */
  path?: string
  /** For one command, milliseconds. Default 10000. */
  timeoutMs?: number
}

/** Opens the TPM of a machine. @throws `COLLECT_UNAVAILABLE`, `COLLECT_DENIED` */
export async function openTpm(
  machine: Machine,
  { path = TPM_PATH, timeoutMs = DEFAULT_TIMEOUT_MS }: TpmOptions = {},
): Promise<Tpm> {
  const device = await withErrno('the TPM', HINTS, () => machine.open(path))
  let isUnusable = false
  let last: Promise<unknown> = Promise.resolve()

  const run = async (command: TpmCommand): Promise<TpmReader> => {
    for (let attempt = 1, wait = FIRST_WAIT_MS; ; attempt++, wait *= 2) {
      // What follows an answer that came late, or not whole, would be read as the answer to something else.
      if (isUnusable)
        throw collectError('COLLECT_FAILED', 'the connection to the TPM is out of step', {
          hint: 'open it again',
        })
      isUnusable = true
      const response = await exchange(machine, device, encodeCommand(command), timeoutMs)
      try {
        const parameters = decodeResponse(command, response)
        isUnusable = false
        return new TpmReader(parameters)
      } catch (error) {
        isUnusable = !isAnswer(error)
        if (!hasCode(error, 'COLLECT_BUSY') || attempt === MAX_TRIES) throw error
      }
      await machine.sleep(wait)
    }
  }
  return {
    run(command) {
      const turn = last.then(() => run(command))
      last = turn.catch(() => undefined)
      return turn
    },
    close: () => device.close(),
  }
}

/** One write, one read: that is how the driver frames messages. */
async function exchange(
  machine: Machine,
  device: Device,
  command: Uint8Array,
  timeoutMs: number,
): Promise<Uint8Array> {
  return withErrno('the TPM', HINTS, async () => {
    const written = await device.write(command)
    if (written !== command.length)
      throw collectError('COLLECT_MALFORMED', 'the TPM did not take the command whole', {
        expected: `${command.length} bytes`,
        found: `${written}`,
      })
    return withTimeout(machine, timeoutMs, 'the TPM', device.read(MAX_MESSAGE_BYTES))
  })
}

/** A well-formed answer that says no leaves the connection in step. */
function isAnswer(error: unknown): boolean {
  return error instanceof SottoError && (error.code === 'COLLECT_BUSY' || error.code === 'COLLECT_FAILED')
}
