import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import type { Decoder } from '@sotto/protocol/jcs'
import { artifactKeyRemovalDecoder, decodeDocument, encodeDocument } from '@sotto/protocol/keyrelease'
import { createModelManifest, parseModelManifest } from '@sotto/protocol/model-manifest'
import {
  keysReceiptDecoder,
  loggedModelDocumentDecoder,
  MAX_LIST_BYTES,
  modelListDecoder,
  modelPublicationDecoder,
  modelWithdrawalDecoder,
  modelWithdrawnDecoder,
  parseModelName,
  signOwnerDocument,
  uploadStateDecoder,
  verifyOwnerDocument,
} from '@sotto/protocol/sealed-models'
import { GgufTruncated, parseGgufHeader } from '../../packages/cli/src/models/gguf/index.ts'
import { parser, type Target } from './target.ts'

const DIGEST = 'ab'.repeat(32)
const NOW = 1_790_000_000
const SEED = new Uint8Array(32).fill(5)
const OWNER = { secretSeed: SEED, publicKey: publicCrypto.ed25519.importPrivate(SEED).publicKey }
const ABOUT = { genesis: DIGEST, owner: toBase64Url(OWNER.publicKey), createdAt: NOW }
const SEALED = { digest: DIGEST, bytes: 100_000 }

const STATEMENT = signOwnerDocument(
  'statement',
  {
    format: 'sotto-model-statement/1',
    ...ABOUT,
    ...SEALED,
    name: 'notes',
    version: 3,
    artifact: 'cd'.repeat(16),
    model: DIGEST,
    task: 'text-generation',
    policy: DIGEST,
    expiresAt: NOW + 60,
  },
  OWNER,
)
const REMOVAL = signOwnerDocument(
  'removal',
  { format: 'sotto-model-removal/1', ...ABOUT, name: 'notes', version: 'all' },
  OWNER,
)
const UPLOAD = signOwnerDocument('upload', { format: 'sotto-model-upload/1', ...ABOUT, ...SEALED }, OWNER)
const MANIFEST = createModelManifest({
  id: 'a/notes',
  task: 'text-generation',
  engine: 'gguf',
  files: [{ name: 'notes.gguf', sha256: DIGEST, size: 10, role: 'weights' }],
  license: 'MIT',
})

/** The head of a GGUF file: three settings, one of them a list of texts, and one tensor. */
const GGUF = Buffer.from(
  [
    'R0dVRgMAAAABAAAAAAAAAAMAAAAAAAAAFAAAAAAAAABnZW5lcmFsLmFyY2hpdGVjdHVyZQgAAAAFAAAAAAAAAGxsYW1hFQAA',
    'AAAAAAB0b2tlbml6ZXIuZ2dtbC50b2tlbnMJAAAACAAAAAIAAAAAAAAAAQAAAAAAAABhAQAAAAAAAABiEQAAAAAAAABnZW5l',
    'cmFsLmZpbGVfdHlwZQQAAAAPAAAACAAAAAAAAABhLndlaWdodAIAAABAAAAAAAAAACAAAAAAAAAADAAAAAAAAAAAAAAA',
  ].join(''),
  'base64',
)

/** What owners of models sign, and what registries and whoever stands between answer. */
export const modelTargets: readonly Target[] = [
  owned('model statement', 'statement', STATEMENT),
  owned('model removal', 'removal', REMOVAL),
  owned('model upload', 'upload', UPLOAD),
  message('model upload state', uploadStateDecoder, {
    ...SEALED,
    upload: 'ef'.repeat(16),
    offset: 7,
    complete: false,
  }),
  message('logged model document', loggedModelDocumentDecoder, {
    envelope: STATEMENT,
    index: 4,
    proof: [DIGEST],
    checkpoint: 'log.example\n5\nAAAA\n\n— log.example c2ln\n',
  }),
  message('model list', modelListDecoder, {
    models: [{ envelope: STATEMENT, index: 4 }],
    next: 'notes:3',
    highest: 3,
  }),
  message('model publication', modelPublicationDecoder, { statement: STATEMENT, import: '{}' }),
  message('model withdrawal', modelWithdrawalDecoder, { removal: REMOVAL }),
  message('model withdrawn', modelWithdrawnDecoder, {
    receipt: REMOVAL,
    logged: {
      envelope: REMOVAL,
      index: 4,
      proof: [DIGEST],
      checkpoint: 'log.example\n5\nAAAA\n\n— log.example c2ln\n',
    },
  }),
  message('model keys receipt', keysReceiptDecoder, {
    format: 'sotto-model-keys-receipt/1',
    genesis: DIGEST,
    removal: DIGEST,
    destroyed: ['cd'.repeat(16)],
    shared: [],
    newer: [],
    issuedAt: NOW,
  }),
  message('artifact key removal', artifactKeyRemovalDecoder, {
    version: 1,
    ...ABOUT,
    artifact: 'cd'.repeat(16),
  }),
  parser(
    'model name',
    () => [utf8('eh7ddx5bksrgcytl7bkai36s/notes:3')],
    (bytes) => parseModelName(fromUtf8(bytes)),
  ),
  parser(
    'model manifest',
    () => [utf8(JSON.stringify(MANIFEST, null, 2))],
    (bytes) => parseModelManifest(fromUtf8(bytes)),
  ),
  parser(
    'gguf header',
    () => [new Uint8Array(GGUF)],
    (bytes) => {
      try {
        return parseGgufHeader(bytes)
      } catch (error) {
        // The file may go on: an answer, not a refusal.
        if (error instanceof GgufTruncated) return undefined
        throw error
      }
    },
  ),
]

function owned(name: string, kind: 'statement' | 'removal' | 'upload', envelope: string): Target {
  const run = (input: Uint8Array): void => void verifyOwnerDocument(kind, input, DIGEST)
  return { name, seeds: () => [utf8(envelope)], run, isVerifier: true }
}

function message<T>(name: string, decoder: Decoder<T>, seed: object): Target {
  return parser(
    name,
    () => [encodeDocument(seed)],
    (bytes) => decodeDocument(bytes, decoder, name, MAX_LIST_BYTES),
  )
}
