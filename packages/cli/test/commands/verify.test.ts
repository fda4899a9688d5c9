import { mkdirSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { encodeTrustBundle } from '@sotto/protocol/evidence'
import { bundleForNonce } from '@sotto/testkit'
import type { TrustPolicy, Verdict } from '@sotto/verifier'
import { claim } from '../../../../test/claims.ts'
import { createDesk, type Desk, traffic } from '../support/desk.ts'

let desk: Desk
afterEach(() => desk.clear())

describe('sotto verify', () => {
  it('ticks every step and exits 0', async () => {
    desk = await createDesk()
    const { code, stdout, stderr } = await desk.sotto(['verify'])
    expect(code).toBe(0)
    expect(stdout).toContain(
      '✓ kms.measurement            required  What the hardware measured is an accepted release of the KMS\n',
    )
    expect(stdout).toContain('- hardware.gpu               may skip  Every GPU is attested')
    expect(stdout).toMatch(
      /\naccepted: 17 passed, 0 failed, 6 skipped\nsoftware TEE: not hardware\nvalid until 20\d\d-/,
    )
    expect(stderr).toBe(
      `checking https://relay.example (gateway inference) against ${desk.cwd}/policy.json\n` +
        'warning: software TEE: this verdict rests on a program, not on hardware; whoever runs that machine can read everything\n',
    )
    expect(traffic(desk.service)).toEqual(['GET /relay/inference/trust'])
  })

  it('takes a URL and a policy on the command line', async () => {
    desk = await createDesk()
    const { code, stdout } = await desk.sotto(
      ['verify', 'https://relay.example', '--policy', 'policy.json', '--json'],
      {
        env: { SOTTO_HOST: '', SOTTO_POLICY: '' },
      },
    )
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      software: true,
      host: 'https://relay.example',
      gateway: 'inference',
    })
  })

  it(claim('T6', 'asks for evidence of now with --nonce, a fresh one each time'), async () => {
    desk = await createDesk()
    const { code, stdout } = await desk.sotto(['verify', '--nonce'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/✓ kms\.nonce +required +The evidence was made for the nonce of this check\n/)
    expect(stdout).toContain('accepted: 18 passed, 0 failed, 6 skipped')
    // The relay answers with what it recorded.
    const [first] = desk.service.outerCalls
    const recorded = encodeTrustBundle(bundleForNonce(desk.service.world, first!.nonce!))
    desk.service.knobs.bundleBytes = () => recorded
    const again = await desk.sotto(['verify', '--nonce'])
    expect([again.code, again.stdout.includes('refused because of: kms.nonce')]).toEqual([3, true])
    const nonces = desk.service.outerCalls.map(({ nonce }) => nonce)
    expect([nonces[0] !== nonces[1], ...nonces.map((nonce) => nonce?.length)]).toEqual([true, 43, 43])
  })

  it.each([['bundle.json'], ['-'], ['--app', '.'], ['--source', '.']])(
    'takes --nonce for a service that is checked now only: %s',
    async (...more) => {
      desk = await createDesk()
      const { code, stderr } = await desk.sotto(['verify', '--nonce', ...more])
      expect([code, stderr.includes('--nonce is about a service')]).toEqual([2, true])
      expect(traffic(desk.service)).toEqual([])
    },
  )

  it('crosses what the policy refuses, says why, and exits 5', async () => {
    desk = await createDesk()
    desk.write(
      'policy.json',
      JSON.stringify({ ...desk.service.world.policy, minSecurityVersion: { kms: 2, inference: 1 } }),
    )
    const { code, stdout } = await desk.sotto(['verify'])
    expect(code).toBe(5)
    expect(stdout).toMatch(
      /✗ kms\.measurement .*\n {4}why: kms 1\.0\.0 is older than the policy allows\n {4}expected: security version 2\n {4}found: {4}1\n/,
    )
    expect(stdout).toMatch(/\nrefused: \d+ passed, 1 failed, \d+ skipped\n/)
  })

  it(
    claim('chain.required', 'refuses a skip of a step the policy requires, says so, and exits 5'),
    async () => {
      desk = await createDesk()
      const { policy } = desk.service.world
      desk.write('policy.json', JSON.stringify({ ...policy, require: [...policy.require, 'hardware.gpu'] }))
      const { code, stdout } = await desk.sotto(['verify'])
      expect(code).toBe(5)
      expect(stdout).toContain(
        '- hardware.gpu               required  Every GPU is attested and bound to the processor report\n' +
          '    skipped: no GPU takes part (required by the policy)\n',
      )
      expect(stdout).toContain(
        '\nrefused: 17 passed, 0 failed, 6 skipped\nrefused because of: hardware.gpu\n',
      )
      const json = JSON.parse((await desk.sotto(['verify', '--json'])).stdout) as Verdict
      expect(json.steps.map(({ name, required }) => [name, required])).toContainEqual(['hardware.gpu', true])
      expect(json.steps.map(({ name, required }) => [name, required])).toContainEqual([
        'tokens.issuer',
        false,
      ])
      // No command that sends something takes another way.
      desk.write('note.txt', 'a text nobody else may read')
      const summary = await desk.sotto(['summarize', 'note.txt'])
      expect([summary.code, summary.stderr.includes('hardware.gpu')]).toEqual([5, true])
      expect(traffic(desk.service)).toEqual(Array(3).fill('GET /relay/inference/trust'))
    },
  )

  it.each([
    [
      'is missing',
      ({ require: _require, ...policy }: TrustPolicy) => policy,
      'policy.require is missing: name every step that must pass',
    ],
    [
      'misspells a step',
      (policy: TrustPolicy) => ({ ...policy, require: [...policy.require, 'hardware.gpus'] }),
      'hardware.gpus',
    ],
    [
      'forgets a step',
      (policy: TrustPolicy) => ({ ...policy, require: policy.require.slice(1) }),
      'must name log.checkpoint',
    ],
  ])('exits 2 when the list of required steps %s, and asks nobody anything', async (_, change, says) => {
    desk = await createDesk()
    desk.write('policy.json', JSON.stringify(change(desk.service.world.policy)))
    const { code, stderr } = await desk.sotto(['verify'])
    expect([code, traffic(desk.service)]).toEqual([2, []])
    expect(stderr).toContain(says)
  })

  it('exits 3 when something is not authentic', async () => {
    desk = await createDesk()
    const { bundle } = desk.service.world
    const forged = { ...bundle, keySet: { ...bundle.keySet, index: 0 } }
    desk.service.knobs.bundleBytes = () => encodeTrustBundle(forged)
    const { code, stdout } = await desk.sotto(['verify', '--json'])
    expect(code).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject({ ok: false })
  })

  it('exits 3 for something that is no bundle, 6 when nothing can be fetched', async () => {
    desk = await createDesk()
    desk.service.knobs.outer = () => Response.json({ no: 'bundle' })
    expect((await desk.sotto(['verify'])).code).toBe(3)
    desk.service.knobs.outer = () => new Response(null, { status: 502 })
    const { code, stdout, stderr } = await desk.sotto(['verify', '-q'])
    expect([code, stdout]).toEqual([6, ''])
    expect(stderr).toBe(
      'error: the relay has no trust bundle for this gateway [BUNDLE_UNREACHABLE]\n  found:    status 502\nhint: is the relay running? sotto up starts a local one\n',
    )
  })

  it('does not let the operator draw on the terminal', async () => {
    desk = await createDesk({
      release: (statement) => ({
        ...statement,
        predicate: { ...statement.predicate, version: '1\u001B[2J' },
      }),
    })
    const { stdout } = await desk.sotto(['verify', '--json'], { stdoutTerminal: true })
    expect(stdout).not.toContain('\u001B')
    expect((await desk.sotto(['verify'])).stdout).not.toContain('\u001B')
  })

  it('exits 2 without a policy, and never borrows one from another stack', async () => {
    desk = await createDesk()
    const none = await desk.sotto(['verify'], { env: { SOTTO_POLICY: '' } })
    expect([none.code, none.stderr.includes('error: no trust policy')]).toEqual([2, true])
    mkdirSync(`${desk.cwd}/.sotto`)
    desk.write('.sotto/stack.json', JSON.stringify({ relay: 'http://127.0.0.1:1', policy: 'policy.json' }))
    const env = { SOTTO_HOST: '', SOTTO_POLICY: '' }
    expect((await desk.sotto(['verify', 'https://relay.example'], { env })).code).toBe(2)
    expect(traffic(desk.service)).toEqual([])
  })

  it.each([
    ['missing', undefined],
    ['not JSON', '{'],
    ['not a policy', '{"version":1}'],
  ])('exits 2 when the policy is %s', async (_, content) => {
    desk = await createDesk()
    if (content !== undefined) desk.write('other.json', content)
    const { code, stderr } = await desk.sotto(['verify', '--policy', 'other.json'])
    expect([code, stderr.startsWith('error: ')]).toEqual([2, true])
    expect(traffic(desk.service)).toEqual([])
  })
})
