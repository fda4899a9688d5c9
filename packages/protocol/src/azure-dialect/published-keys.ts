import { fromHex, toHex } from '../bytes/index.ts'
import { list, object, parseStrictJson, text } from '../jcs/index.ts'
import { encodeKeyConfigs, type OhttpKeyConfig, parseKeyConfig, parseKeyConfigs } from '../ohttp/index.ts'
import { azureError } from './errors.ts'

/** One entry of `GET /listpubkeys`. */
export interface AzurePublishedKey {
  /** A key configuration (RFC 9458 Section 3.1) without the length before it, lower-case hexadecimal. */
  publicKey: string
  /** JSON text of a `CcfReceipt`. */
  receipt: string
}

const MAX_LIST_BYTES = 1_048_576
const MAX_KEYS = 32
const MAX_CONFIG_BYTES = 2048

const listDecoder = list(
  object<AzurePublishedKey>({
    publicKey: text(2 * MAX_CONFIG_BYTES, /^(?:[0-9a-f]{2})+$/),
    receipt: text(32_768),
  }),
  1,
  MAX_KEYS,
)

/** Reads `GET /listpubkeys`, oldest key first: their client takes the last. @throws `AZURE_MALFORMED` */
export function parsePublishedKeys(
  body: string,
): { config: OhttpKeyConfig; bytes: Uint8Array; receipt: string }[] {
  try {
    const entries = listDecoder(parseStrictJson(body, { maxBytes: MAX_LIST_BYTES }), 'keys')
    return entries.map(({ publicKey, receipt }) => {
      const bytes = fromHex(publicKey)
      return { config: parseKeyConfig(bytes), bytes, receipt }
    })
  } catch (cause) {
    throw azureError('AZURE_MALFORMED', `key list: ${(cause as Error).message}`, { cause })
  }
}

/** Text of `GET /discover`: a list of configurations (RFC 9458 Section 3.2), lower-case hexadecimal. */
export function encodeKeyList(configs: readonly OhttpKeyConfig[]): string {
  return toHex(encodeKeyConfigs(configs))
}

/** Reads `GET /discover`. Nobody vouches for what it says. @throws `AZURE_MALFORMED` */
export function parseKeyList(body: string): OhttpKeyConfig[] {
  try {
    return parseKeyConfigs(fromHex(text(MAX_LIST_BYTES, /^(?:[0-9a-f]{2})+$/)(body, 'list')))
  } catch (cause) {
    throw azureError('AZURE_MALFORMED', `key list: ${(cause as Error).message}`, { cause })
  }
}
