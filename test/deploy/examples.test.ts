import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCommandDesk, type CommandDesk } from '../stack/commands.ts'

const LONG = 120_000

let desk: CommandDesk
beforeAll(async () => {
  desk = await openCommandDesk()
})
afterAll(() => desk.close())

describe('the examples a deployment can begin with', { timeout: LONG }, () => {
  for (const template of ['chat', 'summary']) {
    it(`${template}: its own tests pass in the software TEE, and nothing is left of it`, async () => {
      expect(await desk.sotto(['init', template, '--template', template]).ended).toBe(0)
      const test = desk.sotto(['test', '-f', template])
      expect(await test.ended, test.output.stderr + test.output.stdout).toBe(0)
      expect(test.output.stdout).toMatch(/pass [1-9]/)
      expect(test.output.stderr).toMatch(/the tests passed/)
    })
  }

  it('chat: tests that fail are a failure', async () => {
    const folder = join(desk.folder, 'chat')
    const file = join(folder, 'test.mjs')
    writeFileSync(file, readFileSync(file, 'utf8').replace("{ status: 'ok' }", "{ status: 'ill' }"))
    const test = desk.sotto(['test', '-f', 'chat'])
    expect(await test.ended).toBe(1)
    expect(test.output.stderr).toMatch(/DEPLOY_TESTS/)
  })

  it('chat: its client talks in the terminal, through a proxy that verified first', async () => {
    const folder = join(desk.folder, 'talk')
    expect(await desk.sotto(['init', 'talk']).ended).toBe(0)
    expect(await desk.sotto(['deploy'], folder).ended).toBe(0)
    const proxy = desk.sotto(['proxy', '--app', '--port', '0'], folder)
    await proxy.printed(/http:\/\/127\.0\.0\.1:\d+/)
    const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(proxy.output.stdout)!
    const chat = spawn(process.execPath, [join(folder, 'chat.mjs'), address], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let said = ''
    chat.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    chat.stdin.end('Once upon a time\nAnd then\n')
    await once(chat, 'close')
    expect(said.match(/Assistant> +\S/g)?.length ?? 0).toBeGreaterThanOrEqual(2)
    expect(said).not.toMatch(/no answer|was cut/)
    expect(await desk.sotto(['stop', '--delete', '--yes'], folder).ended).toBe(0)
  })
})
