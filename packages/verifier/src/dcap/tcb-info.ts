import { DocumentFields } from './document-fields.ts'
import type { LevelStatus } from './status.ts'

const COMPONENTS = 16
/** Documents in use have up to 12 levels and 3 modules. */
const [MAX_LEVELS, MAX_MODULES, MAX_ADVISORIES] = [64, 32, 256]

/** One TCB level: what a platform has to have at least, and what that is worth. */
export interface TcbLevel {
  sgxComponents: readonly number[]
  pcesvn: number
  /** In documents for TDX. */
  tdxComponents?: readonly number[]
  status: LevelStatus
  /** As the document writes it. */
  date: string
  advisoryIds: readonly string[]
}

/** What a TDX module must be signed with. */
export interface TdxModule {
  /** Lower-case hexadecimal, as the others. */
  mrsigner: string
  attributes: string
  attributesMask: string
}

/** A level of a TDX module or of a quoting enclave: by its ISVSVN alone. */
export interface EnclaveLevel {
  isvsvn: number
  status: LevelStatus
  advisoryIds: readonly string[]
}

/** A major version of the TDX module, `TDX_01` and so on. */
export interface TdxModuleIdentity extends TdxModule {
  id: string
  levels: readonly EnclaveLevel[]
}

/** TCB information of one FMSPC (version 3), newest level first. */
export interface TcbInfo {
  id: 'SGX' | 'TDX'
  /** Unix seconds. */
  issueDate: number
  nextUpdate: number
  /** Lower-case hexadecimal. */
  fmspc: string
  pceId: string
  tcbEvaluationDataNumber: number
  tdxModule?: TdxModule
  tdxModuleIdentities: readonly TdxModuleIdentity[]
  levels: readonly TcbLevel[]
}

/** @throws `EVIDENCE_MALFORMED` (fix-input), for another version too */
export function readTcbInfo(value: unknown): TcbInfo {
  const fields = new DocumentFields(value, 'tcbInfo')
  const id = fields.text('id')
  fields.exactly('version', 3)
  // Type 0 is the comparison of components one by one; no other is defined.
  fields.exactly('tcbType', 0)
  const isTdx = id === 'TDX'
  if (!isTdx) fields.exactly('id', 'SGX')
  return {
    id: isTdx ? 'TDX' : 'SGX',
    issueDate: fields.time('issueDate'),
    nextUpdate: fields.time('nextUpdate'),
    fmspc: fields.hex('fmspc', 6),
    pceId: fields.hex('pceId', 2),
    tcbEvaluationDataNumber: fields.integer('tcbEvaluationDataNumber', 0xffff_ffff),
    ...(isTdx && { tdxModule: readModule(fields.object('tdxModule')) }),
    tdxModuleIdentities: fields.has('tdxModuleIdentities')
      ? fields.objects('tdxModuleIdentities', MAX_MODULES).map(readModuleIdentity)
      : [],
    levels: fields.objects('tcbLevels', MAX_LEVELS).map((level) => readLevel(level, isTdx)),
  }
}

/** The levels of a TDX module or of a quoting enclave. */
export function readEnclaveLevels(fields: DocumentFields): EnclaveLevel[] {
  return fields.objects('tcbLevels', MAX_LEVELS).map((level) => ({
    isvsvn: level.object('tcb').integer('isvsvn', 0xffff),
    status: level.status(),
    advisoryIds: level.texts('advisoryIDs', MAX_ADVISORIES),
  }))
}

function readModule(fields: DocumentFields): TdxModule {
  return {
    mrsigner: fields.hex('mrsigner', 48),
    attributes: fields.hex('attributes', 8),
    attributesMask: fields.hex('attributesMask', 8),
  }
}

function readModuleIdentity(fields: DocumentFields): TdxModuleIdentity {
  return { ...readModule(fields), id: fields.text('id'), levels: readEnclaveLevels(fields) }
}

function readLevel(fields: DocumentFields, isTdx: boolean): TcbLevel {
  const tcb = fields.object('tcb')
  return {
    sgxComponents: readComponents(tcb, 'sgxtcbcomponents'),
    pcesvn: tcb.integer('pcesvn', 0xffff),
    ...(isTdx && { tdxComponents: readComponents(tcb, 'tdxtcbcomponents') }),
    status: fields.status(),
    date: fields.text('tcbDate'),
    advisoryIds: fields.texts('advisoryIDs', MAX_ADVISORIES),
  }
}

function readComponents(tcb: DocumentFields, name: string): number[] {
  return tcb.objects(name, COMPONENTS, COMPONENTS).map((component) => component.integer('svn', 0xff))
}
