import { detectAzure, detectNitro, detectNvidia, detectSgx } from './platform.ts'
import { detectProcessors } from './processor.ts'
import type { HardwareFiles, HardwareFinding } from './types.ts'

export type { HardwareFiles, HardwareFinding, HardwareSource } from './types.ts'

/**
 * What a machine can attest, and why not where it cannot: every source, in a fixed order. It looks at
 * files only and asks no device, so that it changes nothing and cannot hang; what it calls ready can
 * still fail. It says nothing about whether evidence would be genuine.
 *
 * @example
 * for (const { title, status, why } of await detectHardware(files)) console.log(title, status, why)
 */
export async function detectHardware(files: HardwareFiles): Promise<HardwareFinding[]> {
  const found = await Promise.all([
    detectProcessors(files),
    detectAzure(files),
    detectSgx(files),
    detectNitro(files),
    detectNvidia(files),
  ])
  return found.flat()
}
