import {
  AzureResponseOpener,
  AzureResponseSealer,
  encodeKeyList,
  encodeReleasedKey,
  parseCcfReceipt,
  parseKeyList,
  parsePublishedKeys,
  parseReleasedKey,
  rootPreimage,
} from '@sotto/protocol/azure-dialect'
import { concat, fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import { encodeKeyConfig, type OhttpKeyConfig } from '@sotto/protocol/ohttp'
import { parser, type Target } from './target.ts'

const NONCE_BYTES = 32
const TAG = new Uint8Array(16)
/** Opens everything, so that mutations get past the first chunk: framing is what is looked at. */
const CIPHER = {
  sealParts: (_aad: Uint8Array, plaintext: Uint8Array) => [plaintext, TAG],
  open: (_aad: Uint8Array, sealed: Uint8Array) => sealed.slice(0, -TAG.length),
}
const CONFIG: OhttpKeyConfig = {
  keyId: 3,
  kemId: 0x11,
  publicKey: new Uint8Array(97).fill(4),
  algorithms: [{ kdfId: 2, aeadId: 2 }],
}

/** What comes from servers and key services of another dialect. */
export const dialectTargets: readonly Target[] = [
  parser('azure answer', answers, (bytes) => {
    const opener = new AzureResponseOpener({ nonceLength: NONCE_BYTES, cipherOf: () => CIPHER })
    const cut = bytes.length >> 1
    opener.push(bytes.subarray(0, cut))
    opener.push(bytes.subarray(cut))
    opener.finish()
  }),
  parser('azure receipt', receipts, (bytes) => rootPreimage(parseCcfReceipt(fromUtf8(bytes)))),
  parser('azure keys', publishedKeys, (bytes) => parsePublishedKeys(fromUtf8(bytes))),
  parser(
    'azure key list',
    () => [utf8(encodeKeyList([CONFIG])), utf8(encodeKeyList([CONFIG, { ...CONFIG, keyId: 4 }]))],
    (bytes) => parseKeyList(fromUtf8(bytes)),
  ),
  parser(
    'azure released key',
    () => [
      encodeReleasedKey({ keyId: 200, publicKey: CONFIG.publicKey, privateKey: new Uint8Array(48).fill(7) }),
    ],
    parseReleasedKey,
  ),
]

function answers(): Uint8Array[] {
  return [1, 100].map((chunk) => {
    const sealer = new AzureResponseSealer({ cipher: CIPHER, nonce: new Uint8Array(NONCE_BYTES) }, chunk)
    return concat(...sealer.seal(utf8('{"text":"hello"}')), ...sealer.end(utf8('!')))
  })
}

function receipts(): Uint8Array[] {
  const digest = 'ab'.repeat(32)
  const receipt = {
    cert: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
    leaf_components: { write_set_digest: digest, commit_evidence: 'ce:sotto', claims_digest: digest },
    proof: [{ left: digest }, { right: digest }],
    signature: 'MEUCIQDx',
  }
  return [utf8(JSON.stringify({ ...receipt, signature: 'MEUCIQDxMEUCIQDx' }))]
}

function publishedKeys(): Uint8Array[] {
  return [utf8(JSON.stringify([{ publicKey: toHex(encodeKeyConfig(CONFIG)), receipt: '{}' }]))]
}
