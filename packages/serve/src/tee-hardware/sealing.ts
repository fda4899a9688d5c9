import { utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { hasCode } from '@sotto/protocol/errors'
import { serveError } from '../errors/index.ts'
import { deriveSnpKey } from '../evidence/index.ts'
import { isInConfidentialAci } from '../tee/index.ts'
import type { ProcessorSource } from './processors.ts'

const KEY_BYTES = 32
const MAX_CONTEXT_CHARACTERS = 128
/** HKDF info; the context follows. */
const LABEL = 'sotto SEV-SNP sealing key v1\0'

/** Where a sealing key comes from. */
export interface SealingSource {
  /** Program that asks AMD's secure processor, see `deriveSnpKey`. */
  helper: string
  /** Milliseconds that it may take. */
  timeoutMs?: number | undefined
  /** Of this process. */
  env: Readonly<Record<string, string | undefined>>
}

/**
 * 32 bytes that this measurement on this machine derives, another for each context (1-128 characters): HKDF-SHA256 of
 * the guest's own key of SEV-SNP, where a helper in the image gets it. Nitro and deployed TDX have no such key; SGX has
 * one that Gramine alone can ask for.
 *
 * HOST_DATA is no part of it, as firmware does not mix it in: the same program under another configuration has the same
 * key. On Confidential ACI that would be every program, for MEASUREMENT is Microsoft's guest there and the program stands
 * in HOST_DATA. So there is no sealing on it.
 *
 * @throws `TEE_NO_SEALING` (stop) where there is no helper, or no key that is this program's alone; `COLLECT_*` by the helper
 */
export async function deriveSealing(
  family: ProcessorSource,
  source: SealingSource,
  context: string,
): Promise<Uint8Array> {
  if (context.length === 0 || context.length > MAX_CONTEXT_CHARACTERS)
    throw new RangeError(`a sealing context has 1 to ${MAX_CONTEXT_CHARACTERS} characters`)
  if (family !== 'sev-snp') throw noSealing(`${family} offers this process no key for sealing`)
  if (isInConfidentialAci(source.env))
    throw noSealing('on Confidential ACI every program of this machine would derive the same key')
  const { helper: command, timeoutMs } = source
  const guestKey = await deriveSnpKey({ command, ...(timeoutMs !== undefined && { timeoutMs }) }).catch(
    (cause: unknown) => {
      if (!hasCode(cause, 'COLLECT_UNAVAILABLE')) throw cause
      throw noSealing(`there is no ${command}, which asks the processor for a key`, cause)
    },
  )
  try {
    return crypto.hkdf('sha256', new Uint8Array(), guestKey, utf8(LABEL + context), KEY_BYTES)
  } finally {
    guestKey.fill(0)
  }
}

function noSealing(message: string, cause?: unknown): Error {
  return serveError('TEE_NO_SEALING', message, {
    hint:
      cause === undefined
        ? 'take the root secret from custodians or an HSM: docs/root-key.md'
        : 'build snp-derive-key into the measured image (docs/hardware.md), or take the root secret from custodians or an HSM',
    ...(cause !== undefined && { cause }),
  })
}
