import {
  encodeInvitation,
  foldRoom,
  parseInvitation,
  parseRunProof,
  checkRunProof,
} from '@sotto/client/rooms'
import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { encodeContract } from '@sotto/protocol/contract'
import { signDsse } from '@sotto/protocol/dsse'
import { encodeTrustBundle } from '@sotto/protocol/evidence'
import { canonicalJson, type Decoder, parseStrictJson } from '@sotto/protocol/jcs'
import { encodeDocument, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import {
  BOARD_TYPE,
  boardFileDecoder,
  boardPageDecoder,
  encodeDataManifest,
  MAX_ROOM_ANSWER_BYTES,
  offeredRunDecoder,
  parseDataManifest,
  roomCallDecoder,
  roomEvidenceDecoder,
  RUN_PREDICATE,
  runViewDecoder,
  signBoardOpening,
  signRunProvenance,
  verifyBoardOpening,
  verifyRunProvenance,
  type BoardOpening,
  type DataManifest,
  type RunProvenance,
} from '@sotto/protocol/room'
import type { TrustPolicy } from '@sotto/verifier'
import { verifyMembership, MEMBER_TYPE } from '../../packages/client/src/rooms/board/membership.ts'
import { openMessage } from '../../packages/client/src/rooms/board/message.ts'
import {
  BANK,
  CONTRACT,
  GENESIS,
  MESSAGES,
  NOW,
  OFFERED,
  ROOM,
  RUN,
  sealAnything,
  sealPadded,
  view,
} from '../../packages/client/test/rooms/board/room.ts'
import { ownWorld, payloadOf } from './own-documents.ts'
import { parser, type Target } from './target.ts'

const DIGEST = 'ab'.repeat(32)
const SALT = toBase64Url(new Uint8Array(32).fill(3))
const CONTRACT_TEXT = fromUtf8(encodeContract(CONTRACT.contract))

const VIEW = view({
  state: 'failed',
  progress: { transform: 'spending', done: 1, of: 2 },
  failure: { code: 'ROOM_OVERLAP', message: 'a passage is too long', rule: 'max-common-words' },
  receipt: '{}',
  result: '{}',
  review: ['{}'],
  permit: '{}',
  outputs: ['{}'],
  provenance: '{}',
})
const ABOUT_RUN = { run: RUN, inquiry: '{}' }
const CALLS = [
  {
    call: 'offer',
    nonce: 'ab'.repeat(16),
    contract: CONTRACT_TEXT,
    inquiry: '{}',
    transform: 'offers',
    template: 'by-region',
    arguments: [{ name: 'region', value: 'north' }],
    data: ['{}', '{}'],
    files: { board: DIGEST, token: SALT },
  },
  { call: 'begin', ...ABOUT_RUN, consents: ['{}'] },
  { call: 'look', ...ABOUT_RUN },
  { call: 'approve', ...ABOUT_RUN, approvals: ['{}'] },
  { call: 'cancel', ...ABOUT_RUN },
]

const OPENING: BoardOpening = {
  format: 'sotto-room-board/1',
  genesis: GENESIS,
  owner: BANK.key,
  board: DIGEST,
  token: DIGEST,
  createdAt: NOW,
}

const TABLE: DataManifest = {
  format: 'sotto-room-data/1',
  salt: SALT,
  kind: 'table',
  media: 'csv',
  items: 1,
  bytes: 4096,
  sha256: DIGEST,
}
const MANIFESTS: DataManifest[] = [
  TABLE,
  { ...TABLE, kind: 'text', media: 'text', items: 7 },
  { ...TABLE, kind: 'model', media: 'model', items: 3, model: '{"id":"t5"}' },
]

const PROVENANCE: RunProvenance = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'spent', digest: { sha256: DIGEST } }],
  predicateType: RUN_PREDICATE,
  predicate: {
    genesis: GENESIS,
    contract: CONTRACT.digest,
    run: RUN,
    inputs: [
      { input: 'customers', artifact: '0a'.repeat(16), sealed: DIGEST, content: DIGEST, model: DIGEST },
    ],
    steps: [{ transform: 'spending', kind: 'sql', task: DIGEST, commonWords: 6 }],
    image: DIGEST,
    evidence: DIGEST,
    charges: [{ input: 'customers', transform: 'spending', runs: 1, epsilonMicros: 5 }],
    sequence: 1,
    receipt: DIGEST,
    permit: DIGEST,
    startedAt: NOW,
    finishedAt: NOW + 60,
  },
}
const MEMBERSHIP = JSON.parse(fromUtf8(payloadOf(MESSAGES.joined.envelope))) as object
const OF_ROOM = { run: RUN, receiptKey: BANK.key }
const ENTRIES = Object.values(MESSAGES).map((message, at) => ({ index: at + 1, message }))

/** What rooms, boards and their members say to each other: whoever sends it may have written it. */
export const roomTargets: readonly Target[] = [
  message('room call', roomCallDecoder, CALLS),
  message('run view', runViewDecoder, [VIEW, view()]),
  message('offered run', offeredRunDecoder, [OFFERED]),
  message('room evidence', roomEvidenceDecoder, [OFFERED.shown]),
  message('board page', boardPageDecoder, [
    { messages: [1, 2].map((index) => ({ index, message: SALT })), more: true },
    { messages: [], more: false },
  ]),
  message('board file', boardFileDecoder, [{ digest: DIGEST, bytes: 9, offset: 4, complete: false }]),
  signed('board opening', signBoardOpening(OPENING, BANK.signer), (envelope) =>
    verifyBoardOpening(envelope, GENESIS),
  ),
  inside('board opening', BOARD_TYPE, OPENING, (envelope) => verifyBoardOpening(envelope, GENESIS)),
  parser(
    'data manifest',
    () => MANIFESTS.map((manifest) => utf8(encodeDataManifest(manifest))),
    (bytes) => parseDataManifest(fromUtf8(bytes)),
  ),
  signed('run provenance', signRunProvenance(PROVENANCE, BANK.signer), (envelope) =>
    verifyRunProvenance(envelope, OF_ROOM),
  ),
  inside('run provenance', PAYLOAD_TYPES.release, PROVENANCE, (envelope) =>
    verifyRunProvenance(envelope, OF_ROOM),
  ),
  parser(
    'room invitation',
    () => [utf8(encodeInvitation(ROOM))],
    (bytes) => parseInvitation(fromUtf8(bytes)),
  ),
  signed('room membership', MESSAGES.joined.envelope, (envelope) => verifyMembership(envelope, ROOM.board)),
  inside('room membership', MEMBER_TYPE, MEMBERSHIP, (envelope) => verifyMembership(envelope, ROOM.board)),
  parser(
    'room message',
    () => Object.values(MESSAGES).map((one) => sealAnything(ROOM, one)),
    (bytes) => openMessage(ROOM, bytes),
  ),
  {
    name: 'room message inside',
    isVerifier: true,
    seeds: () => Object.values(MESSAGES).map(canonicalJson),
    run(bytes) {
      const read = openMessage(ROOM, sealPadded(ROOM, padded(bytes)))
      // What a board makes of it beside honest messages: that never throws.
      foldRoom([...ENTRIES, { index: 99, message: read }])
    },
  },
  parser('run proof', proofs, parseRunProof),
  {
    name: 'run proof, checked',
    isVerifier: true,
    async seeds() {
      policy = (await ownWorld()).world.policy
      return proofs()
    },
    run: (bytes) => void checkRunProof(parseRunProof(bytes), policy!),
  },
]

/** Of the world that the bundle is of: known once the seeds are. */
let policy: TrustPolicy | undefined

async function proofs(): Promise<Uint8Array[]> {
  const { world } = await ownWorld()
  const proof = {
    format: 'sotto-run-proof/1',
    contract: CONTRACT_TEXT,
    offered: OFFERED,
    view: VIEW,
    bundle: toBase64Url(encodeTrustBundle(world.bundle)),
    at: world.now,
  }
  return [utf8(JSON.stringify(proof))]
}

/** Padded as members do it: the shortest that holds it. */
function padded(text: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil((4 + text.length) / 1024) * 1024)
  new DataView(whole.buffer).setUint32(0, text.length)
  whole.set(text, 4)
  return whole
}

function message<T>(name: string, decoder: Decoder<T>, seeds: readonly object[]): Target {
  return parser(
    name,
    () => seeds.map((seed) => utf8(JSON.stringify(seed))),
    (bytes) => decoder(parseStrictJson(fromUtf8(bytes), { maxBytes: MAX_ROOM_ANSWER_BYTES }), name),
  )
}

/** An envelope, of which most mutations have another signature. */
function signed(name: string, envelope: string, verify: (envelope: string) => unknown): Target {
  return {
    name,
    isVerifier: true,
    seeds: () => [utf8(envelope)],
    run: (bytes) => void verify(fromUtf8(bytes)),
  }
}

/** What is inside, signed as it should be. */
function inside(name: string, type: string, document: object, verify: (envelope: string) => unknown): Target {
  return {
    name: `${name} inside`,
    isVerifier: true,
    seeds: () => [encodeDocument(document)],
    run: (bytes) => void verify(fromUtf8(signDsse(type, bytes, [BANK.signer]))),
  }
}
