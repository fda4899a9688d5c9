import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import { openServerProgram } from '../../../src/engines/host/server-program.ts'
import { buildElf, type ElfParts } from './build-elf.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-server-program-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const sha256Of = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')
const verify = (path: string): Promise<void> => openServerProgram({ path, sha256: sha256Of(path) }).verify()
const write = (parts: ElfParts = {}): string => {
  const path = join(folder, 'llama-server')
  writeFileSync(path, buildElf(parts))
  chmodSync(path, 0o755)
  return path
}

describe('the llama-server of a measured configuration', () => {
  it('is one static program, reached by a link or not', async () => {
    const path = write()
    await verify(path)
    symlinkSync(path, join(folder, 'link'))
    expect(openServerProgram({ path: join(folder, 'link'), sha256: sha256Of(path) }).path).toBe(
      realpathSync(path),
    )
    await verify(join(folder, 'link'))
  })

  it(claim('T7', 'loads no library: one that is linked with any is refused by name'), async () => {
    await expect(verify(write({ libraries: ['libstdc++.so.6', 'libc.so.6'] }))).rejects.toMatchObject({
      code: 'ENGINE_PROGRAM_NOT_STATIC',
      action: 'stop',
      expected: 'one static program, alone in its folder',
      found: 'libstdc++.so.6, libc.so.6',
      hint: expect.stringContaining('llama-cpp.ts') as string,
    })
    await expect(verify(write({ interpreter: '/lib/ld-musl-x86_64.so.1' }))).rejects.toMatchObject({
      found: '/lib/ld-musl-x86_64.so.1',
    })
    const many = Array.from({ length: 30 }, (_, at) => `lib${at}.so`)
    await expect(verify(write({ libraries: many }))).rejects.toMatchObject({
      found: expect.stringMatching(/^lib0.so, .*lib7.so and 22 more$/) as string,
    })
  })

  it('is no script, and no real program that is linked as usual', async () => {
    const path = join(folder, 'llama-server')
    writeFileSync(path, '#!/bin/sh\nexec /opt/other "$@"\n')
    await expect(verify(path)).rejects.toMatchObject({ code: 'ENGINE_PROGRAM_NOT_STATIC' })
    copyFileSync(process.execPath, path)
    await expect(verify(path)).rejects.toMatchObject({ found: expect.stringContaining('libc.') as string })
  })

  it(
    claim(
      'T7',
      'has no libraries beside it: llama.cpp may execute backends that lie in the folder of its program',
    ),
    async () => {
      const path = write()
      for (const name of ['libggml-cuda.so', 'libggml-cpu-haswell.so', 'libx.so.1.2', 'odd\n.so']) {
        writeFileSync(join(folder, name), '')
        await expect(verify(path), name).rejects.toMatchObject({
          code: 'ENGINE_PROGRAM_NOT_STATIC',
          found: name.replace('\n', '?'),
        })
        rmSync(join(folder, name))
      }
      writeFileSync(join(folder, 'llama-bench'), '')
      writeFileSync(join(folder, 'also.sock'), '')
      await verify(path)
    },
  )

  it('is looked at again each time, also at what appeared beside it', async () => {
    const path = write()
    const program = openServerProgram({ path, sha256: sha256Of(path) })
    await program.verify()
    writeFileSync(join(folder, 'libggml-blas.so'), '')
    await expect(program.verify()).rejects.toMatchObject({ code: 'ENGINE_PROGRAM_NOT_STATIC' })
    rmSync(join(folder, 'libggml-blas.so'))
    await program.verify()
    writeFileSync(path, buildElf({ texts: ['another'] }))
    await expect(program.verify()).rejects.toMatchObject({ code: 'ENGINE_PROGRAM_CHANGED' })
    rmSync(path)
    await expect(program.verify()).rejects.toMatchObject({ code: 'ENGINE_PROGRAM_CHANGED', found: 'nothing' })
  })
})
