import { equalBytes, fromBase64Url, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import {
  bindHandover,
  type HandedKey,
  type HandedOver,
  handedOverDecoder,
  HANDOVER_RECEIPT_TYPE,
  type HandoverBinding,
  handoverInfo,
  handoverReceiptDecoder,
  type HandoverResponse,
  MAX_HANDED_OVER_BYTES,
} from '@sotto/protocol/handover'
import { kemById, type KemPrivateKey } from '@sotto/protocol/hpke'
import {
  decodeDocument,
  type Digest,
  evidenceDigest,
  unwrapSecret,
  WRAP_SUITE,
} from '@sotto/protocol/keyrelease'
import { parseKeyConfig } from '@sotto/protocol/ohttp'
import type { LogClient } from '@sotto/serve/log-client'
import type { TrustedHardware } from '@sotto/serve/tee'
import type { KmsClock } from '../clock/index.ts'
import type { KmsConfig } from '../config/index.ts'
import { kmsError } from '../errors.ts'
import { requestKemOf } from '../keys/index.ts'
import { deriveRoot, type ObtainedRoot } from '../root/index.ts'
import type { RequestKey } from '../state/index.ts'
import { createPeer } from './peer.ts'
import { type VerifiedPeer, verifyPeer } from './verify-peer.ts'

/** What taking over needs. */
export interface TakeoverTools {
  config: KmsConfig
  hardware: TrustedHardware
  clock: KmsClock
  openLog(): LogClient
  fetch?: typeof fetch
}

/**
 * Asks one running KMS for what lives in its memory alone. It is verified first, and what it gives is compared with
 * what it has proven: the secret is that of the root key in force, each key that of a published configuration.
 * @throws `KMS_PEER_UNREACHABLE`, `KMS_PEER_BUSY`, `KMS_PEER_REFUSED`, `KMS_HANDOVER_DENIED`, `KMS_HANDOVER_INVALID`,
 * those of log client and hardware
 */
export async function takeFrom(url: string, tools: TakeoverTools): Promise<ObtainedRoot> {
  const { config, hardware, clock } = tools
  const log = tools.openLog()
  const peer = createPeer(url, tools.fetch)
  const state = await peer.state()
  const checkpoint = await log.latest()
  clock.observe(checkpoint.time)
  const verified = await verifyPeer(state, checkpoint, log, config, clock.now())
  const statementKey = crypto.ed25519.generate()
  const wrap = WRAP_SUITE.kem.generate()
  const binding: HandoverBinding = {
    version: 1,
    genesis: verified.service.genesis,
    wrapKey: toBase64Url(wrap.publicKey),
    statementKey: toBase64Url(statementKey.publicKey),
    checkpoint: checkpoint.digest,
  }
  const evidence = await hardware.collectEvidence(bindHandover(binding))
  const response = await peer.handOver({ evidence, binding, checkpoint: checkpoint.note })
  const digest = evidenceDigest(evidence)
  await requireReceipt(response, digest, binding, verified, log)
  const handed = unwrap(response, wrap, { ...verified, evidence: digest })
  const secret = requireSecret(handed, verified)
  const keys = handed.keys.map((key) => holdKey(key, verified))
  return { secrets: [secret], handedOver: { genesis: binding.genesis, statementKey, keys } }
}

/** The receipt says what was asked, and is in the log: nobody took over unseen. */
async function requireReceipt(
  { receipt }: HandoverResponse,
  evidence: Digest,
  binding: HandoverBinding,
  { service, generation, securityVersion }: VerifiedPeer,
  log: LogClient,
): Promise<void> {
  try {
    const { payload } = verifyDsse(parseDsse(utf8(receipt.envelope)), HANDOVER_RECEIPT_TYPE, [
      service.signingKey,
    ])
    const document = decodeDocument(payload, handoverReceiptDecoder, 'receipt')
    const expected = {
      genesis: service.genesis,
      policy: service.keyPolicyDigest,
      evidence,
      toKey: binding.statementKey,
      generation,
      fromSecurityVersion: securityVersion,
    }
    for (const [name, value] of Object.entries(expected))
      if (document[name as keyof typeof expected] !== value) throw new Error(`another ${name}`)
    await log.proveInclusion(utf8(receipt.envelope), receipt.index, await log.latest())
  } catch (cause) {
    if ((cause as { action?: unknown }).action === 'retry') throw cause
    throw invalid('the receipt of the handover is not what it should be', (cause as Error).message, cause)
  }
}

function unwrap(
  response: HandoverResponse,
  wrap: KemPrivateKey,
  { service, evidence }: VerifiedPeer & { evidence: Digest },
): HandedOver {
  const info = handoverInfo({ genesis: service.genesis, policy: service.keyPolicyDigest, evidence })
  let plaintext: Uint8Array | undefined
  try {
    plaintext = unwrapSecret(wrap, info, response)
    return decodeDocument(plaintext, handedOverDecoder, 'handed over', MAX_HANDED_OVER_BYTES)
  } catch {
    // What is wrong in it would be in the message: a value of a secret document.
    throw invalid('what was handed over is wrapped for somebody else, or malformed')
  } finally {
    plaintext?.fill(0)
  }
}

function requireSecret({ rootSecret, generation }: HandedOver, verified: VerifiedPeer): Uint8Array {
  const secret = fromBase64Url(rootSecret)
  const { rootKey } = deriveRoot(secret)
  if (rootKey === verified.rootKey && generation === verified.generation) return secret
  secret.fill(0)
  throw invalid('the root secret is not that of the root key in force', `generation ${generation}`)
}

/** A key is used only if it is the private half of a configuration of the verified set. */
function holdKey({ privateKey, ...published }: HandedKey, { service }: VerifiedPeer): RequestKey {
  const { keyId, config, policy, notBefore, notAfter } = published
  const isPublished = service.keySet.keys.some(
    (key) =>
      key.keyId === keyId &&
      key.config === config &&
      key.policy === policy &&
      key.notBefore === notBefore &&
      key.notAfter === notAfter,
  )
  const kem = isPublished ? requestKemOf(config) : undefined
  if (kem === undefined) throw invalid('a key is not in the published set', `key ${keyId}`)
  const bytes = fromBase64Url(privateKey)
  let publicKey: Uint8Array
  const { kemId, publicKey: expected } = parseKeyConfig(fromBase64Url(config))
  try {
    publicKey = kemById(kemId).importPrivate(bytes).publicKey
  } catch {
    throw invalid('a key is malformed', `key ${keyId}`)
  }
  if (!equalBytes(publicKey, expected))
    throw invalid('a key is not the private key of its configuration', `key ${keyId}`)
  return { ...published, kem, privateKey: bytes }
}

function invalid(message: string, found?: string, cause?: unknown): Error {
  return kmsError('KMS_HANDOVER_INVALID', message, {
    ...(found !== undefined && { found }),
    ...(cause !== undefined && { cause }),
  })
}
