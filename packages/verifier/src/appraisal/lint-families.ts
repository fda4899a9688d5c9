import type { MemberFinding } from './lint-members.ts'
import { isObject, join } from './meaning.ts'
import type { JsonObject, PolicyFamily } from './types.ts'

/** Registers of a TPM that say what was booted: its boot loader, and whose boot loaders secure boot lets start. */
const BOOT_REGISTERS = [4, 7] as const
const PROGRAM = 'any-program'

/** What members of one family leave open together, though each of them pins something. */
export function lintFamily(family: PolicyFamily, policy: JsonObject, path: string): MemberFinding[] {
  if (family === 'tdx') return lintRuntimeRegister(policy, path)
  return family === 'azure-cvm' ? lintVirtualTpm(policy, path) : []
}

/** RTMR3 is the only register that what runs inside extends by itself: another program gives it any value. */
function lintRuntimeRegister({ rtmr1, rtmr2, rtmr3 }: JsonObject, path: string): MemberFinding[] {
  if (rtmr3 === undefined || rtmr1 !== undefined || rtmr2 !== undefined) return []
  const message = 'admits every program: what runs inside extends RTMR3 as it likes, name rtmr1 or rtmr2 too'
  return [{ code: PROGRAM, path: join(path, 'rtmr3'), message }]
}

/** PCRs are what the paravisor says, and all but those of the boot are extended by whatever was booted. */
function lintVirtualTpm({ pcrs }: JsonObject, path: string): MemberFinding[] {
  if (!isObject(pcrs) || BOOT_REGISTERS.some((index) => pcrs[index] !== undefined)) return []
  const message =
    'admits every program: what was booted extends or resets these registers, name PCR 4 or 7 too'
  return [{ code: PROGRAM, path: join(path, 'pcrs'), message }]
}
