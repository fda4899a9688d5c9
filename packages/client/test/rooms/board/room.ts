/** A room of a bank and a retailer, and one message of every kind in it. */
import { fromUtf8, toBase64Url } from '@sotto/protocol/bytes'
import { encodeContract, runDigest, signPartyDocument } from '@sotto/protocol/contract'
import { canonicalJson } from '@sotto/protocol/jcs'
import { evidenceDigest } from '@sotto/protocol/keyrelease'
import type { OfferedRun, RunView } from '@sotto/protocol/room'
import { type RoomMessage, joinedMessage } from '../../../src/rooms/board/messages.ts'
import { type RoomSecret, roomSecret } from '../../../src/rooms/board/secret.ts'
import { type RoomParty, roomParty } from '../../../src/rooms/party.ts'
import {
  bankAndRetailer,
  consentTo,
  GENESIS,
  named,
  NOW,
  offerOf,
} from '../../../../protocol/test/contract/contracts.ts'

export { GENESIS, NOW }

export const ROOM: RoomSecret = roomSecret(new Uint8Array(32).fill(7))
export const OTHER_ROOM: RoomSecret = roomSecret(new Uint8Array(32).fill(8))

/** Of the same seeds as the parties of the contract. */
export const BANK: RoomParty = roomParty(new Uint8Array(32).fill(1))
export const RETAILER: RoomParty = roomParty(new Uint8Array(32).fill(2))
export const STRANGER: RoomParty = roomParty(new Uint8Array(32).fill(3))

const base64url = (length: number, fill: number): string => toBase64Url(new Uint8Array(length).fill(fill))

export const CONTRACT = named(bankAndRetailer())
const evidence: OfferedRun['shown']['evidence'] = [
  { family: 'software', evidence: base64url(64, 1), collateral: {} },
]

/** An offer that differs from others by its nonce. */
export function offered(nonce = '00'.repeat(16)): OfferedRun {
  return {
    offer: offerOf(CONTRACT, 'spending', {
      template: 'segments',
      evidence: evidenceDigest(evidence),
      nonce,
    }),
    shown: {
      evidence,
      binding: {
        version: 1,
        genesis: GENESIS,
        wrapKey: base64url(1216, 1),
        receiptKey: base64url(32, 2),
        checkpoint: 'ab'.repeat(32),
      },
      checkpoint: 'log\n1\n',
    },
  }
}

export const OFFERED: OfferedRun = offered()
export const RUN: string = runDigest(OFFERED.offer)

export function view(change: Partial<RunView> = {}): RunView {
  return { run: RUN, state: 'running', review: [], outputs: [], ...change }
}

export function consent(party: 'bank' | 'retailer', by: RoomParty, { offer } = OFFERED): RoomMessage {
  const envelope = signPartyDocument('consent', consentTo(offer, party), by.signer)
  return { kind: 'consented', at: NOW, run: runDigest(offer), envelope }
}

export function approval(party: 'bank' | 'retailer', by: RoomParty, { offer } = OFFERED): RoomMessage {
  const run = runDigest(offer)
  const document = {
    format: 'sotto-room-output-approval/1' as const,
    genesis: GENESIS,
    contract: CONTRACT.digest,
    run,
    party,
    at: NOW,
    output: 'spent',
    digest: '12'.repeat(32),
    verdict: 'release' as const,
  }
  return { kind: 'approved', at: NOW, run, envelope: signPartyDocument('approval', document, by.signer) }
}

/** One message of every kind, as the members of {@link ROOM} post them. */
export const MESSAGES: { readonly [Kind in RoomMessage['kind']]: Extract<RoomMessage, { kind: Kind }> } = {
  joined: joinedMessage(BANK, 'bank', { board: ROOM.board, at: NOW }),
  proposed: { kind: 'proposed', at: NOW, contract: fromUtf8(encodeContract(CONTRACT.contract)) },
  offered: { kind: 'offered', at: NOW, offered: OFFERED, by: 'bank', note: 'Spending of November' },
  consented: consent('bank', BANK) as Extract<RoomMessage, { kind: 'consented' }>,
  declined: { kind: 'declined', at: NOW, run: RUN, party: 'retailer', reason: 'Not this month' },
  view: {
    kind: 'view',
    at: NOW,
    view: view({ progress: { transform: 'spending', done: 1, of: 2 }, receipt: 'envelope' }),
  },
  approved: approval('retailer', RETAILER) as Extract<RoomMessage, { kind: 'approved' }>,
}

/** Seals any JSON with the room's key, as a member with another program could. */
export function sealAnything(room: RoomSecret, value: unknown): Uint8Array {
  const text = canonicalJson(value)
  const padded = new Uint8Array(Math.ceil((4 + text.length) / 1024) * 1024)
  new DataView(padded.buffer).setUint32(0, text.length)
  padded.set(text, 4)
  return sealPadded(room, padded)
}

export function sealPadded(room: RoomSecret, padded: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(12).fill(5)
  const aad = new TextEncoder().encode(`sotto-room-message/1${room.board}`)
  return Uint8Array.from([...nonce, ...room.messageKey.seal(nonce, aad, padded)])
}
