import { chmodSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { measuredAppProgram, unmeasuredAppProgram } from '../../src/app/program.ts'
import { openEngineProgram } from '../../src/engines/index.ts'
import { sha256, temporaryFolder } from './real-app.ts'

const FILES = ['bin/node', 'bridge.js', 'confine.js', 'engine.js', 'unpack.js']

/** An image whose files say their own names. */
function imageWith(files: readonly string[]) {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'bin'))
  for (const file of FILES) writeFileSync(join(folder, file), file)
  for (const file of FILES) chmodSync(join(folder, file), 0o644)
  const entries = files.map((path) => ({ path, mode: 0o644, sha256: sha256(new TextEncoder().encode(path)) }))
  return openEngineProgram({ folder, preload: 'confine.js', files: entries, except: [] })
}

describe('the programs beside an app', () => {
  it('are files of the measured image, looked at before every start', async () => {
    const image = imageWith(FILES)
    const program = measuredAppProgram(image, join(image.folder, 'bin/node'))
    expect(program).toMatchObject({ folder: image.folder, bridge: 'bridge.js', unpack: 'unpack.js' })
    await program.verify()
    writeFileSync(join(image.folder, 'bridge.js'), 'bridge.js '.trimEnd().replace('b', 'B'))
    await expect(program.verify()).rejects.toMatchObject({ code: 'ENGINE_PROGRAM_CHANGED', action: 'stop' })
    rmSync(join(image.folder, 'unpack.js'))
    await expect(program.verify()).rejects.toMatchObject({ code: 'ENGINE_PROGRAM_CHANGED' })
  })

  it.each(['bin/node', 'bridge.js', 'unpack.js'])('are refused where %s is not measured', (missing) => {
    const image = imageWith(FILES.filter((file) => file !== missing))
    expect(() => measuredAppProgram(image, join(image.folder, 'bin/node'))).toThrow(
      expect.objectContaining({ code: 'ENGINE_PROGRAM_CHANGED', found: join(image.folder, missing) }),
    )
  })

  it('are sources in development', () => {
    const { folder, bridge, unpack } = unmeasuredAppProgram()
    for (const file of [bridge, unpack]) {
      expect(statSync(join(folder, file)).isFile()).toBe(true)
      expect(relative(folder, join(folder, file))).toMatch(/^packages\/enclave\/src\/app\//)
    }
  })
})
