import { defaultMemoryBytes, type ModelManifest } from '../../engines/index.ts'

/**
 * Memory that a model may take here, bytes: its files, which lie in memory as long as it is loaded, and for engines that
 * run graphs all that the host lets them have. A graph of a few bytes can ask for any amount, and its owner wrote it.
 */
export function memoryOf(manifest: Pick<ModelManifest, 'engine' | 'files'>): number {
  return manifest.files.reduce((sum, { size }) => sum + size, 0) + (defaultMemoryBytes(manifest) ?? 0)
}
