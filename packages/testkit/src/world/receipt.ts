import { fromUtf8, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { signDsse, type DsseSigner } from '@sotto/protocol/dsse'
import {
  bindReportData,
  evidenceDigest,
  encodeDocument,
  PAYLOAD_TYPES,
  type ReleaseReceipt,
} from '@sotto/protocol/keyrelease'
import { parseCheckpoint, parseNote } from '@sotto/protocol/note'
import {
  RECEIPT_SALT_BYTES,
  saltRequest,
  saltResponse,
  type InferenceReceipt,
  type RequestDigestHead,
  type ResponseDigestHead,
  type SavedReceipt,
} from '@sotto/protocol/receipts'
import { envelopeBytes } from './log.ts'
import { fakeSigner, type World } from './world.ts'

/** What a test may want otherwise than an honest enclave would do. Documents change before they are signed. */
export interface ReceiptOptions {
  request?: RequestDigestHead & { body: Uint8Array }
  response?: ResponseDigestHead & { body: Uint8Array }
  release?: (release: ReleaseReceipt) => ReleaseReceipt
  receipt?: (receipt: InferenceReceipt) => InferenceReceipt
  /** Signs instead of the KMS or the enclave. */
  signers?: Partial<Record<'release' | 'receipt', DsseSigner>>
  /** Leaves the release out of the log; its proof is then of another entry. */
  unlogged?: boolean
  /** How many witnesses cosign the receipt's checkpoint. Default all. */
  witnesses?: number
}

/** A saved receipt with everything that went into it. */
export interface MintedReceipt {
  saved: SavedReceipt
  /** As the client sent and received them. */
  request: RequestDigestHead & { body: Uint8Array }
  response: ResponseDigestHead & { body: Uint8Array }
  receipt: InferenceReceipt
  release: ReleaseReceipt
  /** The enclave's receipt key. */
  signer: DsseSigner
}

const REQUEST = { method: 'POST', path: '/v1/chat/completions', contentType: 'application/json' }
const RESPONSE = { status: 200, contentType: 'application/json' }

/**
 * What a client of this world keeps of one answer: the enclave got its keys under the world's policy,
 * the KMS certified and logged its receipt key, the enclave signed request and answer.
 */
export async function createReceipt(world: World, options: ReceiptOptions = {}): Promise<MintedReceipt> {
  const { now, log, bundle } = world
  const signer = fakeSigner()
  const request = options.request ?? { ...REQUEST, body: utf8('{"messages":[]}') }
  const response = options.response ?? { ...RESPONSE, body: utf8('{"choices":[]}') }
  const release = (options.release ?? same)(releaseOf(world, signer))
  const releaseEnvelope = signDsse(PAYLOAD_TYPES.releaseReceipt, encodeDocument(release), [
    options.signers?.release ?? world.signers.kms,
  ])
  if (!options.unlogged) log.append(releaseEnvelope)
  const checkpoint = await log.checkpoint({
    time: now,
    ...(options.witnesses !== undefined && { witnesses: options.witnesses }),
  })
  const salt = crypto.randomBytes(RECEIPT_SALT_BYTES)
  const { size, root } = parseCheckpoint(parseNote(checkpoint).text)
  const receipt = (options.receipt ?? same)({
    version: 1,
    genesis: world.genesisDigest,
    request: saltRequest(salt, request, crypto.sha256(request.body)),
    response: saltResponse(salt, response, crypto.sha256(response.body)),
    model: 'e5'.repeat(32),
    keyId: release.keyIds[0]!,
    policy: release.policy,
    evidence: release.evidence,
    after: { size, root: toHex(root) },
  })
  const saved: SavedReceipt = {
    version: 1,
    envelope: fromUtf8(
      signDsse(PAYLOAD_TYPES.inferenceReceipt, encodeDocument(receipt), [options.signers?.receipt ?? signer]),
    ),
    salt: toBase64Url(salt),
    certificate: {
      release: options.unlogged
        ? { ...(await log.prove(envelopeBytes(bundle.keySet.envelope))), envelope: fromUtf8(releaseEnvelope) }
        : await log.prove(releaseEnvelope),
      certificate: await log.prove(envelopeBytes(bundle.kms.certificate.envelope)),
      genesis: await log.prove(envelopeBytes(bundle.genesis.envelope)),
      checkpoint,
    },
  }
  return { saved, request, response, receipt, release, signer }
}

/** The KMS's record that an enclave of this world got its keys. */
function releaseOf(world: World, signer: DsseSigner): ReleaseReceipt {
  const receiptKey = toBase64Url(signer.publicKey)
  const evidence = world.evidence(
    'inference',
    bindReportData('enclave', {
      version: 1,
      genesis: world.genesisDigest,
      wrapKey: toBase64Url(new Uint8Array(1216)),
      receiptKey,
      checkpoint: world.bundle.kms.binding.checkpoint,
    }),
  )
  return {
    version: 1,
    genesis: world.genesisDigest,
    epoch: 1,
    keyIds: [7],
    policy: world.keyPolicyDigest,
    tuple: 'inference',
    evidence: evidenceDigest(evidence),
    hardware: [`software ${'c4'.repeat(64)}`],
    receiptKey,
    issuedAt: world.now - 20,
    notAfter: world.now + 3600,
  }
}

function same<T>(value: T): T {
  return value
}
