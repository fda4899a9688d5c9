import { toHex } from '@sotto/protocol/bytes'
import type { PckExtension } from './pck.ts'
import { masked, type QeIdentity } from './qe-identity.ts'
import { converge, needsConfiguration, type TcbStatus } from './status.ts'
import type { EnclaveLevel, TcbInfo, TcbLevel, TdxModule } from './tcb-info.ts'

/** What a TDX quote says about the module that the TD runs on. */
export interface TdxTcb {
  /** TEE_TCB_SVN: 16 components at the launch of the TD; byte 0 is the SVN of the module, byte 1 its version. */
  teeTcbSvn: Uint8Array
  /** TEE_TCB_SVN_2 of TDX 1.5: the same now, after updates of the module under the running TD. */
  teeTcbSvn2?: Uint8Array
  mrsignerseam: Uint8Array
  seamattributes: Uint8Array
}

/** Status of one part of a platform and the advisories of its level. */
export interface PartStatus {
  status: TcbStatus
  advisoryIds: readonly string[]
}

/** Status of the TDX module. */
export interface ModuleStatus extends PartStatus {
  /** `TDX_01`; undefined for version 0, which the platform's levels cover. */
  id: string | undefined
  isvsvn: number
  /** Signer and attributes are those of the document, which also knows the version. */
  isIdentified: boolean
}

/** What the documents say about one platform. */
export interface TcbEvaluation {
  platform: PartStatus & { date: string | null }
  module?: ModuleStatus
  qe: PartStatus
  /** All together. */
  status: TcbStatus
  advisoryIds: string[]
}

const NO_MATCH = { status: 'NoMatch', advisoryIds: [] } as const

/**
 * Status of a platform by Intel's algorithm ("Get TCB Info", section "How to determine TCB status", and the
 * checks of the Quote Verification Library): first level that the platform reaches, then the TDX module,
 * then the quoting enclave; a TD that was launched before the module was updated only needs a new launch.
 */
export function evaluateTcb(
  tcbInfo: TcbInfo,
  pck: Pick<PckExtension, 'components' | 'pcesvn'>,
  qe: PartStatus,
  tdx?: TdxTcb,
): TcbEvaluation {
  const level = tcbInfo.levels.find(
    (candidate) => reachesSgx(pck, candidate) && (!tdx || reachesTdx(tdx.teeTcbSvn, candidate)),
  )
  const platform = level
    ? { status: level.status, advisoryIds: level.advisoryIds, date: level.date }
    : { ...NO_MATCH, date: null }
  const module = tdx && evaluateModule(tcbInfo, tdx)
  let status: TcbStatus = platform.status
  if (module) status = converge(status, module.status)
  if (tdx?.teeTcbSvn2 && module?.status === 'OutOfDate' && qe.status === 'UpToDate')
    status = adviseRelaunch(status, tcbInfo, pck, tdx.teeTcbSvn2)
  status = converge(status, qe.status)
  const advisoryIds = [platform, ...(module ? [module] : []), qe].flatMap((part) => part.advisoryIds)
  return {
    platform,
    ...(module && { module }),
    qe,
    status,
    advisoryIds: [...new Set(advisoryIds)],
  }
}

/** Status of the quoting enclave by its ISVSVN. */
export function evaluateQe({ levels }: QeIdentity, isvsvn: number): PartStatus {
  return findEnclaveLevel(levels, isvsvn) ?? NO_MATCH
}

function reachesSgx(
  { components, pcesvn }: Pick<PckExtension, 'components' | 'pcesvn'>,
  level: TcbLevel,
): boolean {
  return pcesvn >= level.pcesvn && level.sgxComponents.every((svn, i) => components[i]! >= svn)
}

/** From version 1 of the module on, its own levels judge the first two components. */
function reachesTdx(teeTcbSvn: Uint8Array, { tdxComponents }: TcbLevel): boolean {
  const first = teeTcbSvn[1]! > 0 ? 2 : 0
  return tdxComponents !== undefined && tdxComponents.every((svn, i) => i < first || teeTcbSvn[i]! >= svn)
}

function evaluateModule(tcbInfo: TcbInfo, tdx: TdxTcb): ModuleStatus {
  const [isvsvn, version] = [tdx.teeTcbSvn[0]!, tdx.teeTcbSvn[1]!]
  if (version === 0) {
    const isIdentified = isModule(tcbInfo.tdxModule, tdx)
    return {
      status: isIdentified ? 'UpToDate' : 'NoMatch',
      advisoryIds: [],
      id: undefined,
      isvsvn,
      isIdentified,
    }
  }
  const id = moduleId(version)
  const identity = tcbInfo.tdxModuleIdentities.find((candidate) => candidate.id.toUpperCase() === id)
  const isIdentified = isModule(identity, tdx)
  const level = isIdentified ? findEnclaveLevel(identity!.levels, isvsvn) : undefined
  return { ...(level ?? NO_MATCH), id, isvsvn, isIdentified }
}

function moduleId(version: number): string {
  return `TDX_${version.toString(16).toUpperCase().padStart(2, '0')}`
}

function isModule(module: TdxModule | undefined, { mrsignerseam, seamattributes }: TdxTcb): boolean {
  return (
    module !== undefined &&
    toHex(mrsignerseam) === module.mrsigner &&
    masked(seamattributes, module.attributesMask) === module.attributes
  )
}

function findEnclaveLevel(levels: readonly EnclaveLevel[], isvsvn: number): PartStatus | undefined {
  const level = levels.find((candidate) => isvsvn >= candidate.isvsvn)
  return level && { status: level.status, advisoryIds: level.advisoryIds }
}

/**
 * Whether only the TD is old: SGX is current, and the module that runs now is the newest. `status` stays as
 * it is otherwise.
 */
function adviseRelaunch(
  status: TcbStatus,
  tcbInfo: TcbInfo,
  pck: Pick<PckExtension, 'components' | 'pcesvn'>,
  now: Uint8Array,
): TcbStatus {
  const sgx = tcbInfo.levels.find((level) => reachesSgx(pck, level))
  const newest = tcbInfo.levels[0]
  if (!status.startsWith('OutOfDate') || !sgx || !newest?.tdxComponents) return status
  if (sgx.status.startsWith('OutOfDate') || sgx.status === 'Revoked') return status
  const version = now[1]!
  const module = tcbInfo.tdxModuleIdentities.find(({ id }) => id.toUpperCase() === moduleId(version))
  const newestModule = version === 0 ? newest.tdxComponents[0] : module?.levels[0]?.isvsvn
  if (newestModule === undefined || now[0]! < newestModule || now[2]! < newest.tdxComponents[2]!)
    return status
  return needsConfiguration(sgx.status) || needsConfiguration(status)
    ? 'TDRelaunchAdvisedConfigurationNeeded'
    : 'TDRelaunchAdvised'
}
