import type { Verdict } from '@sotto/verifier'
import type { CommandContext } from '../framework/index.ts'

/** T10: every screen that relied on a software TEE says so. */
export const SOFTWARE_BANNER =
  'software TEE: this verdict rests on a program, not on hardware; whoever runs that machine can read everything'

/** Prints {@link SOFTWARE_BANNER} on standard error when it applies, also with `--quiet`. */
export function announceSoftware(context: CommandContext, verdict: Verdict): void {
  if (verdict.software) context.warn(`warning: ${SOFTWARE_BANNER}`)
}
