/** A draft to change, and what it becomes a contract with. */
import type { NamedContract } from '@sotto/protocol/contract'
import { stringify } from 'yaml'
import { roomParty } from '../../../client/src/rooms/index.ts'
import { contractOf, type DraftContext, parseDraft } from '../../src/room/draft/index.ts'

export const PATH = '/rooms/draft.yaml'
export const NOW = 1_800_000_000

export const BANK = roomParty(new Uint8Array(32).fill(1))
export const RETAILER = roomParty(new Uint8Array(32).fill(2))

export const CONTEXT: DraftContext = {
  genesis: 'ab'.repeat(32),
  parties: new Map([BANK.as('bank'), RETAILER.as('retailer')].map((party) => [party.name, party])),
  room: ['cd'.repeat(32)],
  salt: 'A'.repeat(43),
  now: NOW,
  files: { queries: new Map(), models: new Map() },
}

/** A draft as plain data. */
export interface PlainDraft {
  title: string
  parties: string[]
  inputs: Record<string, Record<string, unknown>>
  transforms: Record<string, Record<string, unknown>>
  outputs: Record<string, Record<string, unknown>>
  [member: string]: unknown
}

/** The smallest draft that says something. */
export function plainDraft(): PlainDraft {
  return {
    title: 'Counts',
    parties: ['bank', 'retailer'],
    inputs: {
      customers: {
        owner: 'bank',
        kind: 'table',
        columns: { customer: 'text', amount: 'integer' },
        rules: { receivers: ['bank', 'retailer'] },
      },
    },
    transforms: {
      count: {
        reads: ['customers'],
        sql: { templates: { all: { sql: 'SELECT count(*) AS n FROM customers' } }, max_rows: 10 },
      },
    },
    outputs: { counted: { from: 'count', receivers: ['retailer'], max_bytes: '64KiB' } },
  }
}

/** Its text, changed. */
export function draftOf(change: (draft: PlainDraft) => void = () => {}): string {
  const draft = plainDraft()
  change(draft)
  return stringify(draft, { aliasDuplicateObjects: false })
}

/** The contract of a text. */
export function contractIn(text: string): NamedContract {
  return contractOf(parseDraft(text, PATH), CONTEXT)
}
