import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toBase64Url } from '@sotto/protocol/bytes'
import { expect, onTestFinished, test } from 'vitest'
import { claim } from '../../../test/claims.ts'
import { runKms } from '../src/run.ts'
import { World } from './world.ts'

test(
  claim('T7', 'a KMS whose evidence has no field for its configuration takes none from outside of its image'),
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sotto-kms-run-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const world = new World({ softwareRoots: undefined })
    const { origin, key } = world.log
    const [configPath, store] = [join(folder, 'config.json'), join(folder, 'store')]
    const log = { url: 'http://127.0.0.1:9', origin, key }
    writeFileSync(
      configPath,
      JSON.stringify({ ...world.configFields(), softwareRoots: undefined, store, log }),
    )
    const ignore = (): void => undefined
    const running = runKms(
      { configPath, env: {}, onShutdown: ignore, ready: ignore, stop: ignore },
      {
        family: 'nitro',
        collectEvidence: async (binding) => [
          { family: 'nitro', evidence: toBase64Url(binding), collateral: {} },
        ],
        deriveSealingKey: async () => new Uint8Array(32),
      },
    )
    await expect(running).rejects.toMatchObject({ code: 'CONFIG_NOT_MEASURED', found: configPath })
    expect(existsSync(store)).toBe(false)
  },
)
