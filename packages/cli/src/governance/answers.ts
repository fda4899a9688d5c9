import { type Decoder, hex, integer, label, list, object, text } from '@sotto/protocol/jcs'
import { loggedStatementDecoder, type LoggedStatement } from '@sotto/protocol/keyrelease'

/** One proposal as the KMS lists it: for people. Nothing is signed or decided by it. */
export interface Listed {
  id: string
  kind: string
  author: string
  createdAt: number
  expiresAt: number
  majority: number
  accepted: string[]
  rejected: string[]
}

/** A closed proposal as the KMS lists it. */
export interface Closed {
  id: string
  kind: string
  author: { name: string }
  outcome: string
  closedAt: number
  accepted: string[]
  rejected: string[]
}

/** A hold as the KMS lists it. */
export interface Held {
  id: string
  member: { name: string; key: string }
  reason: string
  createdAt: number
  /** Missing until the log holds it. */
  index?: number
}

/** `GET /v1/proposals`. */
export interface GovernanceAnswer {
  genesis: LoggedStatement
  governance: LoggedStatement[]
  epoch: number
  decision?: LoggedStatement
  /** Missing in answers of a KMS that keeps keys for whoever asks. */
  owners?: unknown
  holds: Held[]
  open: Listed[]
  closed: Closed[]
}

/** `GET /v1/proposals/{id}` of an open one. */
export interface OpenAnswer extends Listed {
  proposal: string
  ballots: string[]
}

/** Answer of `POST /v1/ballots`, whatever else a KMS says. */
export interface VoteAnswer {
  accepted: string[]
  rejected: string[]
  outcome?: string
}

/** Bounds of what a KMS lists: more than any has. */
const MAX_LISTED = 4096
const MAX_MEMBERS = 64
const MAX_TOKEN_CHARACTERS = 1_048_576

/**
 * The members that are read here. What else a KMS says is left out, not refused: one of a later version says more, and
 * nothing of it is signed.
 */
function some<T extends object>(
  fields: { [Name in keyof T]-?: Decoder<T[Name]> },
  optional: readonly (keyof T & string)[] = [],
): Decoder<T> {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return object({})(value, path) as T
    const known = Object.entries(value).filter(([name]) => Object.hasOwn(fields, name))
    const isLeftOut = (name: string): boolean =>
      optional.some((one) => one === name) && !Object.hasOwn(value, name)
    const wanted = Object.entries(fields).filter(([name]) => !isLeftOut(name))
    return object(Object.fromEntries(wanted) as never)(Object.fromEntries(known), path) as T
  }
}

const id = hex(32)
const kind = text(64, /^[a-z][a-z-]*$/)
const name = label(64)
const names = list(name, 0, MAX_MEMBERS)
const time = integer()
const token = text(MAX_TOKEN_CHARACTERS)
const named = some<{ name: string }>({ name })

const listedFields = {
  id,
  kind,
  author: name,
  createdAt: time,
  expiresAt: time,
  majority: integer(1, MAX_MEMBERS),
  accepted: names,
  rejected: names,
}
const closedDecoder = some<Closed>({
  id,
  kind,
  author: named,
  outcome: kind,
  closedAt: time,
  accepted: names,
  rejected: names,
})
const holds = list(
  some<Held>(
    {
      id,
      member: some<Held['member']>({ name, key: text(128) }),
      reason: label(512),
      createdAt: time,
      index: integer() as Decoder<number | undefined>,
    },
    ['index'],
  ),
  0,
  MAX_LISTED,
)
const anything: Decoder<unknown> = (value) => value

/** Decodes a {@link GovernanceAnswer}. @throws `JCS_FIELD` */
export const governanceAnswerDecoder: Decoder<GovernanceAnswer> = some<GovernanceAnswer>(
  {
    genesis: loggedStatementDecoder,
    governance: list(loggedStatementDecoder, 0, MAX_LISTED),
    epoch: integer(),
    decision: loggedStatementDecoder as Decoder<LoggedStatement | undefined>,
    owners: anything,
    holds,
    open: list(some<Listed>(listedFields), 0, MAX_LISTED),
    closed: list(closedDecoder, 0, MAX_LISTED),
  },
  ['decision', 'owners'],
)

/** Decodes what a KMS shows of one proposal. @throws `JCS_FIELD` */
export const proposalAnswerDecoder: Decoder<OpenAnswer | Closed> = (value, path) =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, 'proposal')
    ? some<OpenAnswer>({ ...listedFields, proposal: token, ballots: list(token, 0, MAX_MEMBERS) })(
        value,
        path,
      )
    : closedDecoder(value, path)

/** Decodes a {@link VoteAnswer}. @throws `JCS_FIELD` */
export const voteAnswerDecoder: Decoder<VoteAnswer> = some<VoteAnswer>(
  { accepted: names, rejected: names, outcome: kind as Decoder<string | undefined> },
  ['outcome'],
)

/** Decodes the part of an answer of `POST /v1/holds` that is shown. @throws `JCS_FIELD` */
export const holdAnswerDecoder: Decoder<{ holds: Held[] }> = some<{ holds: Held[] }>({ holds })

/** Decodes the answer of `POST /v1/recovery/shares`: indexes of the shares that are there. @throws `JCS_FIELD` */
export const receivedAnswerDecoder: Decoder<{ received: number[] }> = some<{ received: number[] }>({
  received: list(integer(1, MAX_MEMBERS), 0, MAX_MEMBERS),
})
