import { toHex } from '@sotto/protocol/bytes'
import { collectError } from './errors.ts'
import { type Helper, runHelper } from './helper.ts'

/** Limits of the Nitro Secure Module (aws-nitro-enclaves-nsm-api, "attestation process"). */
const MAX_NONCE_BYTES = 512
const MAX_USER_DATA_BYTES = 512
const MAX_PUBLIC_KEY_BYTES = 1024
/** Longest document. */
const MAX_DOCUMENT_BYTES = 16_384

/** What a document is to carry. */
export interface NitroRequest {
  nonce?: Uint8Array
  userData?: Uint8Array
  publicKey?: Uint8Array
}

/**
 * Has the Nitro Secure Module sign a document. The module speaks by ioctl only, so that a helper asks it:
 * a program that takes `--nonce`, `--user-data` and `--public-key` in hexadecimal and writes the document,
 * COSE_Sign1, to standard output.
 *
 * @throws `COLLECT_*`
 */
export async function collectNitroDocument(
  helper: Pick<Helper, 'command' | 'timeoutMs'>,
  request: NitroRequest,
): Promise<Uint8Array> {
  const args = [
    ...option('--nonce', request.nonce, MAX_NONCE_BYTES),
    ...option('--user-data', request.userData, MAX_USER_DATA_BYTES),
    ...option('--public-key', request.publicKey, MAX_PUBLIC_KEY_BYTES),
  ]
  const document = await runHelper({ ...helper, args, maxBytes: MAX_DOCUMENT_BYTES })
  // An array of four, with or without the tag of COSE_Sign1: the module leaves it out.
  const start = document[0] === 0xd2 ? 1 : 0
  if (document[start] !== 0x84)
    throw collectError('COLLECT_MALFORMED', `${helper.command} gave no document`, {
      expected: 'COSE_Sign1',
      found: `${document.length} bytes of something else`,
    })
  return document
}

function option(name: string, value: Uint8Array | undefined, max: number): string[] {
  if (value === undefined) return []
  if (value.length === 0 || value.length > max)
    throw collectError('COLLECT_INPUT', `${name} has another length`, {
      expected: `1 to ${max} bytes`,
      found: `${value.length}`,
    })
  return [name, toHex(value)]
}
