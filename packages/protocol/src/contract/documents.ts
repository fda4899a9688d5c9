import { fromBase64Url, fromUtf8, utf8 } from '../bytes/index.ts'
import { type DsseEnvelope, type DsseSigner, parseDsse, signDsse, verifySoleDsse } from '../dsse/index.ts'
import { canonicalJson, type Decoder, parseCanonicalJson } from '../jcs/index.ts'
import { decodeDocument, type Digest, documentDigest, encodeDocument } from '../keyrelease/index.ts'
import {
  acceptanceDecoder,
  closingDecoder,
  contractDecoder,
  dataStatementDecoder,
  inquiryDecoder,
  MAX_CONTRACT_BYTES,
  withdrawalDecoder,
} from './decode.ts'
import { contractError } from './errors.ts'
import { outputApprovalDecoder, type OutputApproval, type RunConsent, runConsentDecoder } from './runs.ts'
import {
  type Acceptance,
  type Closing,
  type Contract,
  CONTRACT_TYPES,
  type DataStatement,
  type Inquiry,
  type Name,
  type Party,
  type Withdrawal,
} from './types.ts'

/** Each kind of document that a party signs. */
export interface PartyDocuments {
  acceptance: Acceptance
  withdrawal: Withdrawal
  closing: Closing
  data: DataStatement
  consent: RunConsent
  approval: OutputApproval
  inquiry: Inquiry
}

const DECODERS: { [Kind in keyof PartyDocuments]: Decoder<PartyDocuments[Kind]> } = {
  acceptance: acceptanceDecoder,
  withdrawal: withdrawalDecoder,
  closing: closingDecoder,
  data: dataStatementDecoder,
  consent: runConsentDecoder,
  approval: outputApprovalDecoder,
  inquiry: inquiryDecoder,
}

/** The bytes of a contract: what is signed, sent and named by its digest. */
export function encodeContract(contract: Contract): Uint8Array {
  return canonicalJson(contract)
}

/**
 * A contract from anywhere: its structure, and that it makes sense. Nothing says that anybody agreed to it.
 * @throws `CONTRACT_MALFORMED`
 */
export function parseContract(bytes: Uint8Array): { contract: Contract; digest: Digest } {
  try {
    const contract = contractDecoder(parseCanonicalJson(bytes, { maxBytes: MAX_CONTRACT_BYTES }), 'contract')
    return { contract, digest: documentDigest(bytes) }
  } catch (cause) {
    throw contractError('CONTRACT_MALFORMED', 'this is no contract', {
      cause,
      found: (cause as Error).message,
    })
  }
}

/** Signs a document about a contract: canonical JSON of its envelope. */
export function signPartyDocument<Kind extends keyof PartyDocuments>(
  kind: Kind,
  document: PartyDocuments[Kind],
  party: DsseSigner,
): string {
  return fromUtf8(signDsse(CONTRACT_TYPES[kind], encodeDocument(document), [party]))
}

/** A contract with its name. */
export interface NamedContract {
  contract: Contract
  digest: Digest
}

/**
 * A document about a contract that the party it names signed: with `data`, the owner of the input it names. Whether it
 * comes in time is another question. It has that one signature: an envelope in the log holds nothing of anybody else.
 * @param envelope bytes or text from anywhere
 * @throws `CONTRACT_MALFORMED`, `CONTRACT_OTHER`, `CONTRACT_PARTY`, `CONTRACT_SIGNATURE`; `CONTRACT_RUN` for data of an
 *   input that the contract does not have
 */
export function verifyPartyDocument<Kind extends keyof PartyDocuments>(
  kind: Kind,
  envelope: Uint8Array | string,
  { contract, digest }: NamedContract,
): { document: PartyDocuments[Kind]; party: Party } {
  let parsed: DsseEnvelope
  let document: PartyDocuments[Kind]
  try {
    parsed = parseDsse(typeof envelope === 'string' ? utf8(envelope) : envelope)
    document = decodeDocument(parsed.payload, DECODERS[kind], kind)
  } catch (cause) {
    throw contractError('CONTRACT_MALFORMED', `this is no ${kind} of a party`, { cause })
  }
  if (document.genesis !== contract.genesis || document.contract !== digest)
    throw contractError('CONTRACT_OTHER', `the ${kind} is about another contract`, {
      expected: `${contract.genesis} ${digest}`,
      found: `${document.genesis} ${document.contract}`,
    })
  const party = partyOf(contract, signerOf(document, contract))
  try {
    verifySoleDsse(parsed, CONTRACT_TYPES[kind], [fromBase64Url(party.key)])
  } catch (cause) {
    throw contractError('CONTRACT_SIGNATURE', `${party.name} did not sign the ${kind}`, { cause })
  }
  return { document, party }
}

/** The party of that name. @throws `CONTRACT_PARTY` */
export function partyOf({ parties }: Contract, name: Name | undefined): Party {
  const party = parties.find((one) => one.name === name)
  if (party !== undefined) return party
  throw contractError('CONTRACT_PARTY', 'the contract has no such party', {
    expected: parties.map((one) => one.name).join(', '),
    ...(name !== undefined && { found: name }),
  })
}

function signerOf(document: PartyDocuments[keyof PartyDocuments], { inputs }: Contract): Name | undefined {
  if ('party' in document) return document.party
  const input = inputs.find(({ name }) => name === document.input)
  if (input === undefined)
    throw contractError('CONTRACT_RUN', 'the contract has no such input', { found: document.input })
  return input.owner
}
