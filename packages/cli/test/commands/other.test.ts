import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI from 'openai'
import type { SavedReceipt } from '@sotto/protocol/receipts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commands, VERSION } from '../../src/commands/index.ts'
import { createDesk, type Desk } from '../support/desk.ts'
import { memoryIo } from '../support/memory-io.ts'
import { runCli } from '../../src/framework/index.ts'

let desk: Desk
beforeEach(async () => void (desk = await createDesk()))
afterEach(() => desk.clear())

describe('sotto proxy', () => {
  it('serves the OpenAI API until it is interrupted', async () => {
    desk.service.knobs.app = () => Response.json({ object: 'list', data: [{ id: 'm', object: 'model' }] })
    const interrupt = new AbortController()
    const world = memoryIo({
      cwd: desk.cwd,
      env: {
        SOTTO_HOST: 'https://relay.example',
        SOTTO_POLICY: 'policy.json',
        SOTTO_CONFIG_DIR: 'config',
        SOTTO_API_KEY: 'local',
      },
      fetch: desk.service.fetch,
      nowMs: () => desk.service.world.now * 1000,
      signal: interrupt.signal,
    })
    const running = runCli(['proxy', '--port', '0'], world.io, { commands, version: VERSION })
    while (!world.stdout().includes('\n')) await new Promise((resolve) => setTimeout(resolve, 5))
    const baseURL = /^OPENAI_BASE_URL=(http:\/\/127\.0\.0\.1:\d+\/v1)\n$/.exec(world.stdout())![1]!
    const models = await new OpenAI({ baseURL, apiKey: 'local', maxRetries: 0 }).models.list()
    expect(models.data.map(({ id }) => id)).toEqual(['m'])
    expect((await fetch(`${baseURL}/models`)).status).toBe(401)
    interrupt.abort()
    expect(await running).toBe(130)
    await expect(fetch(`${baseURL}/models`)).rejects.toThrow()
  })

  it('does not start when verification is refused, or beyond this machine without a secret', async () => {
    expect((await desk.sotto(['proxy', '--port', '0', '--listen', '0.0.0.0'])).code).toBe(2)
    desk.write('policy.json', JSON.stringify({ ...desk.service.world.policy, genesis: '0'.repeat(64) }))
    expect((await desk.sotto(['proxy', '--port', '0'])).code).toBe(5)
  })
})

describe('sotto receipt verify', () => {
  it('checks the bytes of request and answer too', async () => {
    desk.service.knobs.app = () => Response.json({ summary: 'Short.' })
    await desk.sotto(['summarize', '-', '-q', '--receipt', 'r.json'], { stdin: ['text'] })
    const { body } = desk.service.innerCalls.find(({ path }) => path === '/v1/summaries')!
    desk.write('request.json', body)
    desk.write('answer.json', '{"summary":"Short."}')
    const argv = [
      'receipt',
      'verify',
      'r.json',
      '--request',
      'request.json',
      '--request-path',
      '/v1/summaries',
      '--response',
      'answer.json',
    ]
    const good = await desk.sotto(argv)
    expect([
      good.code,
      good.stdout.includes('✓ receipt.request'),
      good.stdout.includes('✓ receipt.response'),
    ]).toEqual([0, true, true])
    desk.write('answer.json', '{"summary":"Other."}')
    const bad = await desk.sotto([...argv, '--json'])
    expect(bad.code).toBe(3)
    expect(JSON.parse(bad.stdout)).toMatchObject({ ok: false, software: true })
  })

  it('judges hardware and code by the bundle in the file, and says where there is none', async () => {
    desk.service.knobs.app = () => Response.json({ summary: 'Short.' })
    const { stderr } = await desk.sotto(['summarize', '-', '--receipt', 'r.json'], { stdin: ['text'] })
    expect(stderr).toMatch(/receipt kept in r\.json, \d\d\.\d KiB, of which 1\d\.\d KiB are the trust bundle/)
    const offline = { fetch: () => Promise.reject(new TypeError('no network')) }
    const good = await desk.sotto(['receipt', 'verify', 'r.json'], offline)
    expect(good.code).toBe(0)
    for (const name of ['kms.evidence', 'kms.measurement', 'keys.policy-tuples', 'receipt.trust'])
      expect(good.stdout).toContain(`✓ ${name}`)

    expect(good.stdout).toMatch(
      /\nKMS, hardware and policy judged as of \d{4}-\d\d-\d\dT[\d:]{8}Z\nthe receipt holds\n/,
    )

    const { trust, ...bare } = JSON.parse(readFileSync(join(desk.cwd, 'r.json'), 'utf8')) as SavedReceipt
    desk.write('bare.json', JSON.stringify(bare))
    const without = await desk.sotto(['receipt', 'verify', 'bare.json'], offline)
    expect(without.code).toBe(0)
    expect(without.stdout).not.toContain('✓ receipt.trust')
    expect(without.stdout).toContain('the receipt holds no trust bundle')
    expect(without.stdout).toContain('no trust bundle in it: hardware and code of the KMS are not proven')

    // Authentic, and revoked by the policy of who reads it.
    const policy = { ...desk.service.world.policy, revoked: ['a1'.repeat(32)] }
    desk.write('policy.json', JSON.stringify(policy))
    expect((await desk.sotto(['receipt', 'verify', 'r.json'], offline)).code).toBe(5)
    desk.write('policy.json', JSON.stringify(desk.service.world.policy))
    const [piece] = trust!.kms.evidence
    piece!.evidence = `${piece!.evidence.slice(0, 200)}${'A'.repeat(8)}${piece!.evidence.slice(208)}`
    desk.write('forged.json', JSON.stringify({ ...bare, trust }))
    const forged = await desk.sotto(['receipt', 'verify', 'forged.json'], offline)
    expect([forged.code, forged.stdout.includes('✗ kms.evidence')]).toEqual([3, true])
  })

  it('exits 5 under another genesis, 2 for something that is no receipt', async () => {
    await desk.sotto(['chat', '-q', '--receipt', 'r.json'], { stdin: ['hi'] })
    await desk.sotto(['embed', 'a', '-q', '--receipt', 'r.json'])
    desk.service.knobs.app = () => Response.json({ summary: 'Short.' })
    await desk.sotto(['summarize', '-', '-q', '--receipt', 'r.json'], { stdin: ['text'] })
    desk.write('policy.json', JSON.stringify({ ...desk.service.world.policy, genesis: '0'.repeat(64) }))
    expect((await desk.sotto(['receipt', 'verify', 'r.json'])).code).toBe(5)
    desk.write('x.json', '{"version":1}')
    expect((await desk.sotto(['receipt', 'verify', 'x.json'])).code).toBe(2)
    expect((await desk.sotto(['receipt', 'verify', 'r.json', '--request', 'x.json'])).code).toBe(2)
  })
})

describe('sotto doctor', () => {
  it('says what is set up', async () => {
    const { stdout } = await desk.sotto(['doctor', '--json'])
    const { findings } = JSON.parse(stdout) as { findings: { name: string; found: string }[] }
    const found = Object.fromEntries(findings.map(({ name, found }) => [name, found]))
    expect(found['host']).toBe('https://relay.example (SOTTO_HOST)')
    expect(found['policy']).toBe(`test: ${desk.cwd}/policy.json (SOTTO_POLICY)`)
  })

  it('exits 1 when the configuration is broken', async () => {
    desk.write('sotto.json', '{')
    const { code, stdout } = await desk.sotto(['doctor'])
    expect([code, stdout.includes('✗ configuration')]).toEqual([1, true])
  })
})

describe('sotto config view and help', () => {
  it('says what is in every group of commands', async () => {
    const { stdout } = await desk.sotto(['--help'])
    expect(stdout).toMatch(/^ {2}log +Commands: show, entry, monitor, prove$/m)
    expect(stdout).toMatch(/^ {2}account +Commands: create, ls, quota, usage, key$/m)
  })

  it('shows where each setting comes from', async () => {
    desk.write('sotto.json', '{"model":{"chat":"big"}}')
    const { stdout } = await desk.sotto(['config', 'view', '--show-origin'])
    expect(stdout).toBe(
      `host=https://relay.example\tSOTTO_HOST\ngateway=inference\tdefault\npolicy=${desk.cwd}/policy.json\tSOTTO_POLICY\nmodel.chat=big\t${desk.cwd}/sotto.json\n`,
    )
  })

  it.each(['environment', 'exit-codes', 'formatting'])('explains %s', async (topic) => {
    const { code, stdout } = await desk.sotto(['help', topic])
    expect([code, stdout.length > 200]).toEqual([0, true])
  })

  it('names the topics when asked for another', async () => {
    const { code, stderr } = await desk.sotto(['help', 'me'])
    expect([code, stderr.includes('hint: topics are environment, exit-codes, formatting')]).toEqual([2, true])
  })

  it('has a version that is the package’s', () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    expect(VERSION).toBe(manifest.version)
  })

  it('completes all its commands in every shell', async () => {
    for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
      const { stdout } = await desk.sotto(['completions', shell])
      for (const command of commands) expect(stdout).toContain(command.path.at(-1))
    }
    expect((await desk.sotto(['completions', 'tcsh'])).code).toBe(2)
  })
})
