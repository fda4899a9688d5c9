import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import {
  type ConsentKind,
  type ContractCall,
  type ContractView,
  contractViewDecoder,
  encodeContract,
  MAX_CALL_ANSWER_BYTES,
  type NamedContract,
  parseContract,
  requireProvenPrivacy,
  type SignedKind,
  verifyPartyDocument,
} from '@sotto/protocol/contract'
import { type Decoder, parseStrictJson } from '@sotto/protocol/jcs'
import { sealCall } from '@sotto/protocol/sealed-call'
import type { TrustedService } from '@sotto/verifier'
import { clientError } from '../errors.ts'
import { serviceErrorIn } from '../service-error.ts'
import type { RoomParty } from './party.ts'
import { roomRefusal } from './refusal.ts'
import { signAs } from './sign-as.ts'

/** What {@link createContracts} needs of a connection. */
export interface ContractsOptions {
  /** Passes sealed bytes to the KMS, and its answer back: whoever does that reads neither. */
  send: (sealed: Uint8Array, signal?: AbortSignal) => Promise<Uint8Array>
  /** Verified now: its genesis and the key that calls are sealed to. */
  service: () => Promise<Pick<TrustedService, 'genesis' | 'importKey'>>
  /** Unix seconds. */
  now: () => number
}

/** Who acts: a contract knows a party by its key. */
export interface Acting {
  party: RoomParty
  signal?: AbortSignal
}

/** A contract between this party and others, at the KMS. Every answer is compared with the contract that was asked about. */
export interface Contracts {
  /**
   * Signs it, and brings it where nobody has yet. What a training guarantees is computed here before anything is signed.
   * @throws `ROOM_CONTRACT`, `ROOM_REFUSED`, `ROOM_UNAVAILABLE`; `CONTRACT_PRIVACY` where it costs more than is charged
   */
  accept(contract: NamedContract, acting: Acting): Promise<ContractView>
  /** Says what an input is: `signDataStatement`. Its key has to be at the KMS. @throws as {@link accept} */
  state(contract: NamedContract, statement: string, acting: Acting): Promise<ContractView>
  /** Takes a consent back, for good: it counts from the next release on. @throws as {@link accept} */
  withdraw(contract: NamedContract, consent: ConsentKind, acting: Acting): Promise<ContractView>
  /** Ends it for this party; it is closed when all have. @throws as {@link accept} */
  close(contract: NamedContract, acting: Acting): Promise<ContractView>
  /** Where it stands. @throws as {@link accept} */
  show(contract: NamedContract, acting: Acting): Promise<ContractView>
}

/** Contracts through a connection. */
export function createContracts({ send, service, now }: ContractsOptions): Contracts {
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
    async accept(named, acting) {
      requireProvenPrivacy(named.contract)
      const call: ContractCall = {
        call: 'accept',
        contract: fromUtf8(encodeContract(named.contract)),
        acceptance: signAs('acceptance', named, acting.party, now()),
      }
      return ask(named, call, acting.signal)
    },
    state: (named, statement, { signal }) => signed('data', named, statement, signal),
    withdraw: async (named, consent, acting) =>
      signed(
        'withdrawal',
        named,
        signAs('withdrawal', named, acting.party, now(), { consent }),
        acting.signal,
      ),
    close: async (named, acting) =>
      signed('closing', named, signAs('closing', named, acting.party, now()), acting.signal),
    show: async (named, acting) =>
      ask(
        named,
        { call: 'show', contract: named.digest, inquiry: signAs('inquiry', named, acting.party, now()) },
        acting.signal,
      ),
  }
}

/** The KMS's answer, or what it refuses with: both came through the seal, so both are its own. */
function answerIn<T>(bytes: Uint8Array, decoder: Decoder<T>): T {
  if (serviceErrorIn(bytes).code !== undefined) throw roomRefusal('KMS', bytes)
  try {
    return decoder(parseStrictJson(fromUtf8(bytes), { maxBytes: MAX_CALL_ANSWER_BYTES }), 'answer')
  } catch (cause) {
    throw clientError('ROOM_UNAVAILABLE', 'the KMS answered something that is no answer', { cause })
  }
}

/** The contract that was asked about, and what owners signed about its inputs: nothing of it is the KMS's to choose. */
function requireSame(view: ContractView, named: NamedContract): void {
  if (parseContract(utf8(view.contract)).digest !== named.digest)
    throw clientError('ROOM_CONTRACT', 'the KMS answered about another contract')
  for (const { input, envelope } of view.data)
    if (verifyPartyDocument('data', envelope, named).document.input !== input)
      throw clientError('ROOM_CONTRACT', 'the KMS answered with the statement of another input')
}
