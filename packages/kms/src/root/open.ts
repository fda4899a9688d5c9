import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { TrustedHardware } from '@sotto/serve/tee'
import { custodianSource } from './custodians.ts'
import { teeSource } from './tee.ts'
import type { RootConfig, RootSource } from './types.ts'

/** Name of the file beside the store that leads to the root secret. */
const ROOT_FILE = 'root.json'

/**
 * The source a configuration names.
 * @param folder of the root file; absent where the configuration names none and the store is no folder
 */
export async function openRootSource(
  config: RootConfig,
  folder: string | undefined,
  hardware: TrustedHardware,
): Promise<RootSource> {
  if (folder !== undefined) await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = folder === undefined ? undefined : join(folder, ROOT_FILE)
  if (config.source === 'azure-managed-hsm') {
    // The SDK runs only where it is asked for: what is bundled is evaluated here, not at the start.
    const { azureManagedHsmSource } = await import('./azure-managed-hsm/index.ts')
    return azureManagedHsmSource(path, config, hardware)
  }
  // The configuration's decoder asks for a folder where there are custodians.
  return config.source === 'tee' ? teeSource(path, hardware) : custodianSource(path!, config)
}
