import { collectError } from './errors.ts'
import { type Helper, runHelper } from './helper.ts'

/** DERIVED_KEY of MSG_KEY_RSP (SEV-SNP firmware ABI, AMD 56860). */
const KEY_BYTES = 32
/** The secure processor answers within milliseconds; the host may limit how often. */
const TIMEOUT_MS = 10_000

/**
 * Has the secure processor derive a key that only this guest gets: bound to its chip, to MEASUREMENT and to its POLICY.
 * The driver offers that by ioctl only, so that a helper asks it: a program without arguments that writes the 32 bytes
 * to standard output, see `packages/serve/helpers/snp-derive-key.c`.
 *
 * @returns 32 bytes that the caller overwrites after use
 * @throws `COLLECT_UNAVAILABLE` when there is no such program; `COLLECT_TIMEOUT` after 10 s; `COLLECT_DENIED`,
 * `COLLECT_FAILED`; `COLLECT_MALFORMED` for anything but 32 bytes, or 32 zeros. No message holds a byte of them
 */
export async function deriveSnpKey(helper: Pick<Helper, 'command' | 'timeoutMs'>): Promise<Uint8Array> {
  const { command, timeoutMs = TIMEOUT_MS } = helper
  const key = await runHelper({ command, args: [], timeoutMs, maxBytes: KEY_BYTES })
  const isKey = key.length === KEY_BYTES && key.some((byte) => byte !== 0)
  if (isKey) return key
  const found = key.length === KEY_BYTES ? 'zeros' : `${key.length} bytes`
  throw collectError('COLLECT_MALFORMED', `${command} gave no key`, { expected: `${KEY_BYTES} bytes`, found })
}
