/**
 * Manifests of the default models: hashes every file that a `models/NAME/manifest.json` lists.
 * Without words it checks; `--write` records what it finds.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { modelDigest, parseModelManifest } from '../packages/enclave/src/engines/manifest.ts'
import type { ModelFileEntry, ModelManifest } from '../packages/enclave/src/engines/types.ts'

const models = resolve(import.meta.dirname, '../models')

function recorded(directory: string): ModelManifest {
  // Parsed without the digest check: this is where the digest comes from.
  const manifest = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as ModelManifest
  const files = manifest.files.map((file): ModelFileEntry => {
    const bytes = readFileSync(join(directory, file.name))
    return { ...file, sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length }
  })
  return { ...manifest, files, digest: modelDigest({ ...manifest, files }) }
}

function main(write: boolean): number {
  let stale = 0
  for (const name of readdirSync(models)) {
    const path = join(models, name, 'manifest.json')
    if (!existsSync(path)) continue
    const text = `${JSON.stringify(recorded(join(models, name)), null, 2)}\n`
    parseModelManifest(text)
    if (readFileSync(path, 'utf8') === text) continue
    stale++
    console.log(`${name}: manifest ${write ? 'written' : 'is not that of the files; run with --write'}`)
    if (write) writeFileSync(path, text)
  }
  if (stale === 0) console.log('every manifest is that of its files')
  return stale > 0 && !write ? 1 : 0
}

process.exitCode = main(process.argv.includes('--write'))
