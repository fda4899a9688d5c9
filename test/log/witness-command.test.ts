import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { verifyCheckpoint } from '@sotto/protocol/note'
import { commands } from '../../packages/cli/src/commands/index.ts'
import { runInMemory } from '../../packages/cli/test/support/memory-io.ts'
import { append, freePort, log, openFolder, ORIGIN, witness } from './parties.ts'

const isBuilt = existsSync(resolve(import.meta.dirname, '../../dist/images/software/inference/role.js'))
const SLOW_MS = 240_000

test.skipIf(!isBuilt && !process.env['CI'])(
  'an organisation makes a witness of its own, hands its key over, and cosigns what the log shows it (skipped: not built)',
  async () => {
    const { folder, run } = openFolder()
    const port = await freePort()
    // The log's key is there before anybody watches it.
    const nobody = await witness(folder, 'nobody')
    const { key: logKey, folder: store } = await log(folder, 'log', [nobody])
    const init = [
      'witness',
      'init',
      'w1',
      '--name',
      'w1.example/w',
      '--log',
      logKey,
      '--listen',
      `127.0.0.1:${port}`,
    ]
    const made = await runInMemory(commands, init, { cwd: folder })
    expect(made).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^w1\.example\/w\+[0-9a-f]{8}\+\S+\n$/) as unknown,
    })
    const key = made.stdout.trim()
    const keyFile = join(folder, 'w1', 'store', 'witness.key')
    expect(statSync(keyFile).mode & 0o777).toBe(0o600)
    expect(made.stdout + made.stderr).not.toContain(readFileSync(keyFile, 'latin1').trim())
    expect((await runInMemory(commands, init, { cwd: folder })).code).toBe(2)
    expect((await runInMemory(commands, ['witness', 'run', 'elsewhere'], { cwd: folder })).code).toBe(2)

    const stop = new AbortController()
    const running = runInMemory(commands, ['witness', 'run', 'w1', '--json'], {
      cwd: folder,
      signal: stop.signal,
    })
    const url = `http://127.0.0.1:${port}`
    await expect
      .poll(
        async () =>
          fetch(`${url}/key`).then(
            (answer) => answer.text(),
            () => '',
          ),
        { timeout: 60_000 },
      )
      .toBe(`${key}\n`)
    const served = await log(folder, 'log', [{ key, url }])
    expect([served.key, served.folder]).toEqual([logKey, store])
    await run(served)
    expect(await append(served, 'an entry')).toEqual({ status: 200 })
    const note = await (await fetch(`${served.url}/log/checkpoint`)).text()
    expect(verifyCheckpoint(note, { origin: ORIGIN, logKey, witnessKeys: [key], quorum: 1 }).size).toBe(1)
    stop.abort()
    const ended = await running
    expect(JSON.parse(ended.stdout)).toMatchObject({ url, key })
    await expect(fetch(`${url}/key`)).rejects.toThrow()
  },
  SLOW_MS,
)
