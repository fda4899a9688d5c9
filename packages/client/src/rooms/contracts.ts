import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import {
  type ConsentKind,
  type ContractCall,
  type ContractView,
  contractViewDecoder,
  encodeContract,
  type NamedContract,
  parseContract,
  type PartyDocuments,
  signPartyDocument,
  type SignedKind,
  verifyPartyDocument,
} from '@sotto/protocol/contract'
import { type Decoder, parseStrictJson } from '@sotto/protocol/jcs'
import { sealCall } from '@sotto/protocol/sealed-call'
import type { TrustedService } from '@sotto/verifier'
import { clientError } from '../errors.ts'
import type { RoomParty } from './party.ts'

/** What {@link createContracts} needs of a connection. */
export interface ContractsOptions {
  /** Passes sealed bytes to the KMS, and its answer back: whoever does that reads neither. */
  send: (sealed: Uint8Array, signal?: AbortSignal) => Promise<Uint8Array>
  /** Verified now: its genesis and the key that calls are sealed to. */
  service: () => Promise<Pick<TrustedService, 'genesis' | 'importKey'>>
  /** Unix seconds. */
  now: () => number
}

/** Who acts, and under which name of the contract. */
export interface Acting {
  party: RoomParty
  name: string
  signal?: AbortSignal
}

/** A contract between this party and others, at the KMS. Every answer is compared with the contract that was asked about. */
export interface Contracts {
  /** Signs it, and brings it where nobody has yet. @throws `ROOM_CONTRACT`, `ROOM_REFUSED`, `ROOM_UNAVAILABLE` */
  accept(contract: NamedContract, acting: Acting): Promise<ContractView>
  /** Takes a consent back, for good: it counts from the next release on. @throws as {@link accept} */
  withdraw(contract: NamedContract, consent: ConsentKind, acting: Acting): Promise<ContractView>
  /** Ends it for this party; it is closed when all have. @throws as {@link accept} */
  close(contract: NamedContract, acting: Acting): Promise<ContractView>
  /** Where it stands. @throws as {@link accept} */
  show(contract: NamedContract, acting: Acting): Promise<ContractView>
}

/** Largest answer: a contract with its data statements, as JSON text. */
const MAX_ANSWER_BYTES = 8 * 2 ** 20
const FORMATS = {
  acceptance: 'sotto-contract-acceptance/1',
  withdrawal: 'sotto-contract-withdrawal/1',
  closing: 'sotto-contract-closing/1',
  inquiry: 'sotto-contract-inquiry/1',
} as const

/** Contracts through a connection. */
export function createContracts({ send, service, now }: ContractsOptions): Contracts {
  /** A document of this party, about a contract that is meant for the KMS that was verified. */
  function sign<Kind extends keyof typeof FORMATS>(
    kind: Kind,
    { contract, digest }: NamedContract,
    { party, name }: Acting,
    more: object = {},
  ): string {
    const own = contract.parties.find((one) => one.name === name)
    if (own?.key !== party.key)
      throw clientError('ROOM_CONTRACT', 'this key is not that of the party', {
        expected: contract.parties.map((one) => one.name).join(', '),
        found: name,
        hint: 'name the party that this key belongs to',
      })
    const { genesis } = contract
    const document = { format: FORMATS[kind], genesis, contract: digest, party: name, at: now(), ...more }
    return signPartyDocument(kind, document as unknown as PartyDocuments[Kind], party.signer)
  }

  async function ask(named: NamedContract, call: ContractCall, signal?: AbortSignal): Promise<ContractView> {
    const { genesis, importKey } = await service()
    if (named.contract.genesis !== genesis)
      throw clientError('ROOM_CONTRACT', 'the contract is meant for another KMS', {
        expected: genesis,
        found: named.contract.genesis,
      })
    const sealed = sealCall(importKey, utf8(JSON.stringify(call)))
    const view = answerIn(sealed.open(await send(sealed.bytes, signal)), contractViewDecoder)
    requireSame(view, named)
    return view
  }

  const signed = (kind: SignedKind, named: NamedContract, envelope: string, signal?: AbortSignal) =>
    ask(named, { call: 'sign', contract: named.digest, kind, envelope }, signal)

  return {
    accept: async (named, acting) =>
      ask(
        named,
        {
          call: 'accept',
          contract: fromUtf8(encodeContract(named.contract)),
          acceptance: sign('acceptance', named, acting),
        },
        acting.signal,
      ),
    withdraw: async (named, consent, acting) =>
      signed('withdrawal', named, sign('withdrawal', named, acting, { consent }), acting.signal),
    close: async (named, acting) => signed('closing', named, sign('closing', named, acting), acting.signal),
    show: async (named, acting) =>
      ask(
        named,
        { call: 'show', contract: named.digest, inquiry: sign('inquiry', named, acting) },
        acting.signal,
      ),
  }
}

/** The KMS's answer, or what it refuses with: both came through the seal, so both are its own. */
function answerIn<T>(bytes: Uint8Array, decoder: Decoder<T>): T {
  let value: unknown
  try {
    value = parseStrictJson(fromUtf8(bytes), { maxBytes: MAX_ANSWER_BYTES })
    const { error } = value as { error?: { code?: unknown; message?: unknown; action?: unknown } }
    if (error === undefined) return decoder(value, 'answer')
  } catch (cause) {
    throw clientError('ROOM_UNAVAILABLE', 'the KMS answered something that is no answer', { cause })
  }
  const { code, message, action } = (value as { error: Record<string, unknown> }).error
  throw clientError(
    action === 'retry' ? 'ROOM_UNAVAILABLE' : 'ROOM_REFUSED',
    `the KMS answered: ${String(message)
      .replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ')
      .slice(0, 512)}`,
    { found: String(code).slice(0, 64) },
  )
}

/** The contract that was asked about, and what owners signed about its inputs: nothing of it is the KMS's to choose. */
function requireSame(view: ContractView, named: NamedContract): void {
  if (parseContract(utf8(view.contract)).digest !== named.digest)
    throw clientError('ROOM_CONTRACT', 'the KMS answered about another contract')
  for (const { input, envelope } of view.data)
    if (verifyPartyDocument('data', envelope, named).document.input !== input)
      throw clientError('ROOM_CONTRACT', 'the KMS answered with the statement of another input')
}
