import { toHex } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import type { Certificate } from '@sotto/protocol/x509'
import type { FieldValue } from '../family/index.ts'
import type { NitroDocument } from './document.ts'

/** Registers that measure the image, the kernel and the application: zero in debug mode. */
const IMAGE_REGISTERS = [0, 1, 2]

/** Registers of the image that are zero or not there. */
export function findZeroRegisters({ pcrs }: NitroDocument): number[] {
  return IMAGE_REGISTERS.filter((index) => pcrs.get(index)?.some((byte) => byte !== 0) !== true)
}

/** What a document says, by the names of the specification. Byte strings are hexadecimal, empty where there is none. */
export function documentFields(document: NitroDocument): Record<string, FieldValue> {
  const { message, pcrs, public_key, user_data, nonce } = document
  const text = (bytes: Uint8Array | undefined): string => (bytes ? toHex(bytes) : '')
  return {
    module_id: document.module_id,
    digest: document.digest,
    timestamp: timestampText(document.timestamp),
    pcrs: Object.fromEntries([...pcrs].map(([index, pcr]) => [`${index}`, toHex(pcr)])),
    user_data: text(user_data),
    nonce: text(nonce),
    public_key: text(public_key),
    cose_tag: message.tagged ? 18 : null,
    cose_alg: message.alg,
    debug_mode: findZeroRegisters(document).length === IMAGE_REGISTERS.length,
    root_sha256: toHex(publicCrypto.sha256(document.cabundle[0]!)),
  }
}

/** When all certificates are valid together, `start..end`, both ends included. */
export function validityText(certificates: readonly Certificate[]): string {
  const start = Math.max(...certificates.map(({ notBefore }) => notBefore))
  const end = Math.min(...certificates.map(({ notAfter }) => notAfter))
  return `${secondsText(start)}..${secondsText(end)}`
}

/** UTC to the second. */
export function secondsText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000', '')
}

/** UTC with an offset, in microseconds unless they are zero. */
function timestampText(milliseconds: number): string {
  const [date, fraction] = new Date(milliseconds).toISOString().slice(0, -1).split('.') as [string, string]
  return `${date}${fraction === '000' ? '' : `.${fraction}000`}+00:00`
}
