import {
  areDistinct,
  base64url,
  boolean,
  type Decoder,
  hex,
  integer,
  label,
  list,
  literal,
  members,
  object,
  oneOf,
  refine,
} from '../jcs/index.ts'
import { artifactId } from '../keyrelease/decode.ts'
import { XWING_PUBLIC_KEY_BYTES } from '../keyrelease/limits.ts'
import { findGraphContradiction } from './consistency.ts'
import { columnName, name } from './names.ts'
import { foldColumn, MAX_COLUMNS, rulesDecoder } from './rules.ts'
import { taskDecoder } from './tasks.ts'
import {
  type Acceptance,
  type Closing,
  type Column,
  COLUMN_TYPES,
  type Contract,
  CONSENTS,
  type DataStatement,
  type Input,
  INPUT_KINDS,
  type Inquiry,
  type Output,
  OUTPUT_PARTS,
  type Party,
  type Transform,
  type Use,
  type Withdrawal,
} from './types.ts'

/** Largest contract, bytes of canonical JSON. */
export const MAX_CONTRACT_BYTES = 262_144
export const MAX_PARTIES = 16
const MAX_LIFE_SECONDS = 10 * 366 * 86_400
const MAX_RUNS = 1_000_000
const MAX_EPSILON_MICROS = 1_000_000_000
/** Past it nothing is promised. */
const MAX_DELTA_TRILLIONTHS = 1_000_000_000_000

const party: Decoder<Party> = object<Party>({
  name,
  key: base64url(32),
  sealTo: base64url(XWING_PUBLIC_KEY_BYTES),
})
const column: Decoder<Column> = object<Column>({ name: columnName, type: oneOf(...COLUMN_TYPES) })
const use: Decoder<Use> = members<Use>(
  { transform: name, runs: integer(1, MAX_RUNS) },
  { epsilonMicros: integer(1, MAX_EPSILON_MICROS), deltaTrillionths: integer(1, MAX_DELTA_TRILLIONTHS) },
)
const input: Decoder<Input> = refine(
  members<Input>(
    { name, owner: name, kind: oneOf(...INPUT_KINDS), uses: list(use, 1, 32), rules: rulesDecoder },
    { columns: list(column, 1, MAX_COLUMNS), content: hex(32) },
  ),
  ({ columns = [], uses }) =>
    areDistinct(columns.map((one) => foldColumn(one.name))) && areDistinct(uses.map((one) => one.transform))
      ? undefined
      : 'something is named twice',
)
const transform: Decoder<Transform> = refine(
  object<Transform>({ name, reads: list(name, 1, 64), room: list(hex(32), 1, 8), task: taskDecoder }),
  ({ reads, room }) => (areDistinct(reads) && areDistinct(room) ? undefined : 'something is named twice'),
)
const output: Decoder<Output> = refine(
  members<Output>(
    { name, from: name, receivers: list(name, 1, MAX_PARTIES), maxBytes: integer(1, 2 ** 32) },
    { part: oneOf(...OUTPUT_PARTS) },
  ),
  ({ receivers }) => (areDistinct(receivers) ? undefined : 'a receiver is named twice'),
)

/**
 * Decodes a {@link Contract}: every member, and that the graph makes sense and breaks no rule of any owner.
 * @throws `JCS_FIELD`
 */
export const contractDecoder: Decoder<Contract> = refine(
  object<Contract>({
    format: literal('sotto-contract/1'),
    genesis: hex(32),
    title: label(64),
    salt: base64url(32),
    parties: list(party, 1, MAX_PARTIES),
    inputs: list(input, 1, 64),
    transforms: list(transform, 1, 32),
    outputs: list(output, 1, 64),
    consent: object({ logging: boolean(), telemetry: boolean() }),
    notBefore: integer(1),
    notAfter: integer(1),
  }),
  findContradiction,
)

function findContradiction(contract: Contract): string | undefined {
  const { parties, inputs, outputs, notBefore, notAfter } = contract
  if (notAfter <= notBefore || notAfter - notBefore > MAX_LIFE_SECONDS)
    return 'it would never run, or too long'
  for (const names of [parties, inputs, outputs].map((all) => all.map((one) => one.name)))
    if (!areDistinct(names)) return 'something is named twice'
  for (const keys of [parties.map(({ key }) => key), parties.map(({ sealTo }) => sealTo)])
    if (!areDistinct(keys)) return 'two parties have one key'
  return findGraphContradiction(contract)
}

const signed = { genesis: hex(32), contract: hex(32), party: name, at: integer(1) }

/** Decodes an {@link Acceptance}. @throws `JCS_FIELD` */
export const acceptanceDecoder: Decoder<Acceptance> = object<Acceptance>({
  format: literal('sotto-contract-acceptance/1'),
  ...signed,
})

/** Decodes a {@link Withdrawal}. @throws `JCS_FIELD` */
export const withdrawalDecoder: Decoder<Withdrawal> = object<Withdrawal>({
  format: literal('sotto-contract-withdrawal/1'),
  ...signed,
  consent: oneOf(...CONSENTS),
})

/** Decodes a {@link Closing}. @throws `JCS_FIELD` */
export const closingDecoder: Decoder<Closing> = object<Closing>({
  format: literal('sotto-contract-closing/1'),
  ...signed,
})

/** Decodes an {@link Inquiry}. @throws `JCS_FIELD` */
export const inquiryDecoder: Decoder<Inquiry> = object<Inquiry>({
  format: literal('sotto-contract-inquiry/1'),
  ...signed,
})

/** Decodes a {@link DataStatement}. @throws `JCS_FIELD` */
export const dataStatementDecoder: Decoder<DataStatement> = object<DataStatement>({
  format: literal('sotto-contract-data/1'),
  genesis: hex(32),
  contract: hex(32),
  input: name,
  artifact: artifactId,
  sealed: hex(32),
  bytes: integer(1),
  content: hex(32),
  version: integer(1, 2 ** 31),
  at: integer(1),
})
