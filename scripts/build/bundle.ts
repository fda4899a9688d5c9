/** One bundle of what Node runs: same sources, same bytes. */
import { join } from 'node:path'
import { build, type BuildOptions, type Metafile } from 'esbuild'
import { COMMON, root } from './options.ts'

/** Packages that stay outside the bundle: native addons that read files beside themselves. */
export const NATIVE = ['onnxruntime-node', 'node-llama-cpp']

/**
 * Packages that a dependency would bring along and nothing here may use: a bundle has something in their place that
 * does nothing. The Azure SDK has proxies that the environment names, and with them a package that loads another.
 */
const ABSENT = {
  'http-proxy-agent': join(root, 'packages/kms/src/root/azure-managed-hsm/no-proxy-agents.ts'),
  'https-proxy-agent': join(root, 'packages/kms/src/root/azure-managed-hsm/no-proxy-agents.ts'),
}

/** Bundles `entries` (name of the output → source, from the checkout) into `outdir`. */
export async function bundle(
  entries: Record<string, string>,
  outdir: string,
  external: readonly string[] = [],
  options: BuildOptions = {},
): Promise<Metafile> {
  const result = await build({
    ...COMMON,
    ...options,
    alias: ABSENT,
    entryPoints: entries,
    outdir,
    external: [...external],
  })
  return result.metafile!
}
