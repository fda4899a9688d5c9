import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import {
  CONTRACT_TYPES,
  contractCallDecoder,
  contractEventDecoder,
  contractViewDecoder,
  encodeContract,
  encodeOutputMetadata,
  MAX_CALL_ANSWER_BYTES,
  MAX_CALL_BYTES,
  OUTPUT_TYPE,
  parseContract,
  type PartyDocuments,
  permitAnswerDecoder,
  requireOutput,
  RUN_TYPES,
  runAnswerDecoder,
  runDigest,
  runKeysDecoder,
  runOfferDecoder,
  type SealedOutput,
  signPartyDocument,
  signSealedOutput,
  verifyOffer,
  verifyPartyDocument,
  verifyRunPermit,
  verifyRunReceipt,
  verifyRunResult,
  verifySealedOutput,
} from '@sotto/protocol/contract'
import { signDsse } from '@sotto/protocol/dsse'
import type { Decoder } from '@sotto/protocol/jcs'
import { decodeDocument, encodeDocument } from '@sotto/protocol/keyrelease'
import {
  BANK,
  bankAndRetailer,
  consentTo,
  dataOf,
  everything,
  GENESIS,
  named,
  NOW,
  offerOf,
  RETAILER,
  summaries,
} from '../../packages/protocol/test/contract/contracts.ts'
import { releaseMessages } from './own-documents.ts'
import { parser, type Target } from './target.ts'

const CONTRACT = named(bankAndRetailer())
const OFFER = offerOf(CONTRACT, 'spending', { template: 'segments' })
const RUN = runDigest(OFFER)
const DIGEST = 'ab'.repeat(32)
const KEY = new Uint8Array(32).fill(8)
const ABOUT = { genesis: GENESIS, contract: CONTRACT.digest, run: RUN }
const SIGNED = { genesis: GENESIS, contract: CONTRACT.digest, party: 'bank', at: NOW }
const OUTPUTS = [{ output: 'spent', digest: DIGEST, bytes: 100 }]

const PARTY_DOCUMENTS: PartyDocuments = {
  acceptance: { format: 'sotto-contract-acceptance/1', ...SIGNED },
  withdrawal: { format: 'sotto-contract-withdrawal/1', ...SIGNED, consent: 'logging' },
  closing: { format: 'sotto-contract-closing/1', ...SIGNED },
  data: dataOf(CONTRACT, 'customers'),
  consent: consentTo(OFFER, 'bank'),
  approval: {
    format: 'sotto-room-output-approval/1',
    ...SIGNED,
    run: RUN,
    output: 'spent',
    digest: DIGEST,
    verdict: 'release',
  },
  inquiry: { format: 'sotto-contract-inquiry/1', ...SIGNED },
}
const KINDS = Object.keys(PARTY_DOCUMENTS) as (keyof PartyDocuments)[]

/** What a KMS and a room sign about a run, with what reads each. */
const STATEMENTS = [
  {
    type: RUN_TYPES.receipt,
    verify: verifyRunReceipt,
    document: {
      format: 'sotto-run-receipt/1',
      ...ABOUT,
      tuple: 'room-1.0',
      image: DIGEST,
      evidence: DIGEST,
      hardware: ['software 01'],
      charges: [{ input: 'customers', transform: 'spending', runs: 1, epsilonMicros: 500_000 }],
      sequence: 1,
      issuedAt: NOW,
    },
  },
  {
    type: RUN_TYPES.permit,
    verify: verifyRunPermit,
    document: { format: 'sotto-run-permit/1', ...ABOUT, outputs: OUTPUTS, issuedAt: NOW },
  },
  {
    type: RUN_TYPES.result,
    verify: verifyRunResult,
    document: { format: 'sotto-run-result/1', ...ABOUT, outputs: OUTPUTS, at: NOW },
  },
] as const

const SEALED: SealedOutput = {
  format: 'sotto-room-output/1',
  ...ABOUT,
  output: 'spent',
  digest: DIGEST,
  bytes: 4,
  artifact: '0a'.repeat(16),
  sealed: DIGEST,
  keys: [{ party: 'bank', enc: toBase64Url(new Uint8Array(1120)), wrapped: toBase64Url(new Uint8Array(48)) }],
}
const OF_ROOM = { run: RUN, receiptKey: toBase64Url(BANK.publicKey) }

/** What parties, rooms and a KMS say about contracts: whoever sends it may have written it. */
export const contractTargets: readonly Target[] = [
  parser('contract', () => [bankAndRetailer(), summaries(), everything()].map(encodeContract), parseContract),
  {
    name: 'party document',
    isVerifier: true,
    seeds: () => KINDS.map((kind) => utf8(signPartyDocument(kind, PARTY_DOCUMENTS[kind], BANK))),
    run: (bytes, seed) => void verifyPartyDocument(KINDS[seed]!, bytes, CONTRACT),
  },
  {
    name: 'party document inside',
    isVerifier: true,
    seeds: () => KINDS.map((kind) => encodeDocument(PARTY_DOCUMENTS[kind])),
    run(bytes, seed) {
      const kind = KINDS[seed]!
      verifyPartyDocument(kind, signDsse(CONTRACT_TYPES[kind], bytes, [BANK]), CONTRACT)
    },
  },
  parser(
    'run offer',
    () => [OFFER, offerOf(CONTRACT, 'offers')].map(encodeDocument),
    (bytes) => verifyOffer(decodeDocument(bytes, runOfferDecoder, 'offer'), CONTRACT, NOW + 10),
  ),
  document('contract call', contractCallDecoder, calls, MAX_CALL_BYTES),
  document('contract view', contractViewDecoder, () => [encodeDocument(VIEW)], MAX_CALL_ANSWER_BYTES),
  document('contract event', contractEventDecoder, () => [
    encodeDocument({
      format: 'sotto-contract-event/1',
      genesis: GENESIS,
      contract: DIGEST,
      event: 'run',
      statement: DIGEST,
    }),
  ]),
  document('run answer', runAnswerDecoder, () => [
    encodeDocument({
      enc: toBase64Url(new Uint8Array(1120)),
      wrapped: toBase64Url(new Uint8Array(300)),
      receipt: '{}',
    }),
  ]),
  document('run keys', runKeysDecoder, () => [
    encodeDocument({ artifacts: [{ id: '0a'.repeat(16), contentKey: toBase64Url(KEY) }] }),
  ]),
  document('permit answer', permitAnswerDecoder, () => [encodeDocument({ permit: '{}' })]),
  {
    name: 'run statement',
    isVerifier: true,
    seeds: () => STATEMENTS.map(({ type, document: one }) => signDsse(type, encodeDocument(one), [BANK])),
    run: (bytes, seed) => void STATEMENTS[seed]!.verify(fromUtf8(bytes), ABOUT, [BANK.publicKey]),
  },
  {
    name: 'run statement inside',
    isVerifier: true,
    seeds: () => STATEMENTS.map(({ document: one }) => encodeDocument(one)),
    run(bytes, seed) {
      const { type, verify } = STATEMENTS[seed]!
      verify(fromUtf8(signDsse(type, bytes, [BANK])), ABOUT, [BANK.publicKey])
    },
  },
  {
    name: 'sealed output',
    isVerifier: true,
    seeds: () => [utf8(signSealedOutput(SEALED, BANK))],
    run: (bytes) => void verifySealedOutput(fromUtf8(bytes), OF_ROOM),
  },
  {
    name: 'sealed output inside',
    isVerifier: true,
    seeds: () => [encodeDocument(SEALED)],
    run: (bytes) => void verifySealedOutput(fromUtf8(signDsse(OUTPUT_TYPE, bytes, [BANK])), OF_ROOM),
  },
  parser(
    'output metadata',
    () => [
      utf8(
        encodeOutputMetadata({
          format: 'sotto-room-output-content/1',
          run: RUN,
          output: 'spent',
          salt: toBase64Url(KEY),
        }),
      ),
    ],
    (bytes) => requireOutput(fromUtf8(bytes), new Uint8Array(4), SEALED),
  ),
]

const VIEW = {
  phase: 'running',
  contract: fromUtf8(encodeContract(CONTRACT.contract)),
  accepted: ['bank', 'retailer'],
  closed: ['bank'],
  withdrawn: [{ party: 'retailer', consent: 'logging' }],
  data: [{ input: 'customers', envelope: '{}' }],
  left: [{ input: 'customers', transform: 'spending', runs: 99, epsilonMicros: 5 }],
  runs: 1,
}

async function calls(): Promise<Uint8Array[]> {
  const { request } = await releaseMessages()
  return [
    {
      call: 'accept',
      contract: VIEW.contract,
      acceptance: signPartyDocument('acceptance', PARTY_DOCUMENTS.acceptance, RETAILER),
    },
    { call: 'sign', contract: CONTRACT.digest, kind: 'withdrawal', envelope: '{}' },
    { call: 'show', contract: CONTRACT.digest, inquiry: '{}' },
    { call: 'run', offer: OFFER, consents: ['{}'], request: JSON.parse(fromUtf8(request)) as object },
    { call: 'release', contract: CONTRACT.digest, run: RUN, result: '{}', approvals: ['{}'] },
  ].map(encodeDocument)
}

function document<T>(name: string, decoder: Decoder<T>, seeds: Target['seeds'], maxBytes = 65_536): Target {
  return parser(name, seeds, (bytes) => decodeDocument(bytes, decoder, name, maxBytes))
}
