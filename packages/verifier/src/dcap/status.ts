/** TCB statuses of Intel's documents ("Intel SGX and TDX PCK/TCB Info API v4"), in the order of that list. */
export const TCB_STATUSES = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
  'Revoked',
] as const

/** Status that a TCB level has in a document. */
export type LevelStatus = (typeof TCB_STATUSES)[number]

/**
 * Status of a platform. Besides those of the levels: the module was updated under a TD that was launched
 * before, and no level matches.
 */
export type TcbStatus = LevelStatus | 'TDRelaunchAdvised' | 'TDRelaunchAdvisedConfigurationNeeded' | 'NoMatch'

/** Statuses that a policy may accept: whoever is revoked or unknown is never accepted. */
export const ACCEPTABLE_STATUSES = [
  ...TCB_STATUSES.slice(0, 6),
  'TDRelaunchAdvised',
  'TDRelaunchAdvisedConfigurationNeeded',
] as Exclude<TcbStatus, 'Revoked' | 'NoMatch'>[]

/** Whether the owner has to change a setting, besides whatever is out of date. */
export function needsConfiguration(status: TcbStatus): boolean {
  return status.includes('Configuration')
}

/**
 * Status of a platform together with one of its parts, the TDX module or the quoting enclave, whose levels
 * are only `UpToDate`, `OutOfDate` and `Revoked`: the worse of both, and a setting to change stays one.
 */
export function converge(platform: TcbStatus, part: TcbStatus): TcbStatus {
  if (platform === 'NoMatch' || part === 'NoMatch') return 'NoMatch'
  if (platform === 'Revoked' || part === 'Revoked') return 'Revoked'
  if (part === 'UpToDate' || platform.startsWith('OutOfDate')) return platform
  return needsConfiguration(platform) ? 'OutOfDateConfigurationNeeded' : 'OutOfDate'
}
