import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeInvitation, newRoomSecret, type RunProof } from '@sotto/client/rooms'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { trustPolicyOf } from '../../../kms/test/client.ts'
import { ProofWorld } from '../../../../test/rooms/support/run-proofs.ts'
import { roomAudit } from '../../src/commands/room/audit.ts'
import { encodeSavedRoom } from '../../src/room/saved-room.ts'
import { runInMemory, type RunResult } from '../support/memory-io.ts'

let policy: string
/** Two runs of one contract, and one of another. */
let proofs: RunProof[]
let foreign: RunProof
let cwd: string

beforeAll(async () => {
  const world = await ProofWorld.open()
  policy = JSON.stringify(trustPolicyOf(world.world))
  proofs = [await world.prove(), await world.prove()]
  foreign = await (await ProofWorld.open({ title: 'others' })).prove()
})
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sotto-audit-'))
  writeFileSync(join(cwd, 'policy.json'), policy)
  for (const [at, proof] of proofs.entries()) write(`run-${at + 1}.json`, proof)
  write('foreign.json', foreign)
})
afterEach(() => rmSync(cwd, { recursive: true }))

function write(name: string, value: unknown): void {
  writeFileSync(join(cwd, name), JSON.stringify(value))
}

function audit(...argv: string[]): Promise<RunResult> {
  const env = { SOTTO_CONFIG_DIR: join(cwd, 'config'), SOTTO_POLICY: 'policy.json' }
  return runInMemory([roomAudit], ['room', 'audit', ...argv], { cwd, env })
}

/** A room that keeps these proofs. */
function keepRoom(name: string, kept: Record<string, unknown>): void {
  const folder = join(cwd, 'config', 'rooms', name)
  mkdirSync(join(folder, 'proofs'), { recursive: true, mode: 0o700 })
  const room = {
    format: 'sotto-room-file/1',
    name,
    party: 'shop',
    invitation: encodeInvitation(newRoomSecret()),
    key: join(cwd, 'owner.key'),
    service: { host: 'https://relay.test', gateway: 'inference', policy: join(cwd, 'policy.json') },
    isJoined: true,
  } as const
  writeFileSync(join(folder, 'room.json'), encodeSavedRoom(room), { mode: 0o600 })
  for (const [file, proof] of Object.entries(kept))
    writeFileSync(join(folder, 'proofs', file), JSON.stringify(proof))
}

describe('sotto room audit', () => {
  it('draws the graph of files, tells each run and each check, and ends well', async () => {
    const { code, stdout, stderr } = await audit('run-1.json', 'run-2.json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('overlap  1 approved query')
    expect(stdout).toContain('├── [######....] 2 of 3 runs  accounts of bank')
    expect(stdout).toContain('└─> offers to shop')
    expect(stdout).toMatch(/run 2 {2}[0-9a-f]{12} {2}[0-9-]{10} /)
    expect(stdout).toContain('    charged  accounts for overlap: 1 run')
    expect(stdout).toContain('✓ run.charges')
    expect(stdout).toContain('all 2 runs hold\nsoftware TEE: not hardware\n')
  })

  it('needs no network and writes nothing that it was not asked for', async () => {
    await audit('run-1.json')
    expect((await audit('run-1.json', '--policy', 'policy.json')).code).toBe(0)
    expect(() => readFileSync(join(cwd, 'config'))).toThrow('ENOENT')
  })

  it('ends with 1 where a check fails, and names file, check, what was expected and found', async () => {
    write('run-1.json', { ...proofs[0]!, view: proofs[1]!.view })
    const { code, stdout } = await audit('run-1.json', 'run-2.json')
    expect(code).toBe(1)
    expect(stdout).toContain('✗ run.proof')
    expect(stdout).toContain('    run-1.json (ROOM_OFFER)\n')
    expect(stdout).toContain('the audit does not hold: one check fails')
    expect(stdout).toContain('runs whose proofs are not here: 1')
  })

  it('says of a file that is no proof that it is none, and checks the others', async () => {
    writeFileSync(join(cwd, 'run-1.json'), '\u001b[2J{')
    const { code, stdout } = await audit('run-1.json', 'run-2.json')
    expect(code).toBe(1)
    expect(stdout).toContain('run-1.json (ROOM_PROOF)')
    expect(stdout).toContain('overlap  1 approved query')
    expect(stdout).not.toContain('\u001b')
  })

  it('gives everything as JSON', async () => {
    const { stdout } = await audit('run-1.json', '--json')
    const result = JSON.parse(stdout) as Record<string, unknown>
    expect(result).toMatchObject({ ok: true, sources: ['run-1.json'], gaps: [] })
    expect(Object.keys(result)).toEqual(['ok', 'contract', 'checks', 'runs', 'gaps', 'graph', 'sources'])
  })

  it('writes the drawing and the page', async () => {
    const { stderr } = await audit('run-1.json', '--svg', 'graph.svg', '--html', 'page.html')
    expect(stderr).toBe('wrote graph.svg\nwrote page.html\n')
    expect(readFileSync(join(cwd, 'graph.svg'), 'utf8')).toMatch(/^<svg xmlns=/)
    const page = readFileSync(join(cwd, 'page.html'), 'utf8')
    expect(page).toContain('Every check passed')
    expect(page).toContain('<td data-title="Charged">')
    for (const file of ['graph.svg', 'page.html']) expect(statSync(join(cwd, file)).mode & 0o777).toBe(0o600)
  })

  it('writes over nothing that is there already', async () => {
    writeFileSync(join(cwd, 'graph.svg'), 'mine')
    const { code, stderr } = await audit('run-1.json', '--svg', 'graph.svg')
    expect([code, stderr]).toEqual([2, expect.stringContaining('is there already')])
    expect(readFileSync(join(cwd, 'graph.svg'), 'utf8')).toBe('mine')
    for (const _ of [1, 2]) expect((await audit('run-1.json', '--svg', 'again.svg')).code).toBe(0)
  })

  it('says that there is nothing to draw where no proof holds', async () => {
    write('run-1.json', {})
    expect(await audit('run-1.json', '--svg', 'graph.svg')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no proof holds') as string,
    })
  })

  it.each([
    ['a file that is not there', ['none.json'], 'cannot read none.json'],
    ['a room that is not there', ['nowhere'], 'there is no room of that name'],
    ['nothing', [], 'there is no room on this machine yet'],
    ['a contract that is no digest', ['run-1.json', '--contract', 'offers'], 'named by their digest'],
    ['a contract that no proof is of', ['run-1.json', '--contract', '000000'], 'no proof is of a contract'],
    ['a place that cannot be written', ['run-1.json', '--html', 'no/where.html'], 'cannot write'],
  ])('refuses %s', async (_, argv, message) => {
    const { code, stderr } = await audit(...argv)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })
})

describe('sotto room audit of a room', () => {
  it('reads the proofs that the room keeps, under the policy of the room', async () => {
    keepRoom('offers', { 'a.json': proofs[0], 'b.json': proofs[1] })
    rmSync(join(cwd, 'run-1.json'))
    const { code, stdout } = await audit('offers')
    expect(stdout).toContain('all 2 runs hold')
    expect(code).toBe(0)
    expect(await audit()).toMatchObject({ code: 0, stdout })
  })

  it('does not leave out what is damaged', async () => {
    keepRoom('offers', { 'a.json': proofs[0], 'b.json': { ...proofs[1], format: 'none' } })
    const { code, stdout } = await audit('offers')
    expect(code).toBe(1)
    expect(stdout).toContain('b.json (ROOM_PROOF)')
  })

  it('asks which contract is meant where the room has runs of several', async () => {
    keepRoom('offers', { 'a.json': proofs[0], 'b.json': foreign })
    const { code, stderr } = await audit('offers')
    expect(code).toBe(2)
    expect(stderr).toContain('(others)')
    const digest = /([0-9a-f]{12}) \(offers\)/.exec(stderr)![1]!
    const one = await audit('offers', '--contract', digest)
    expect(one).toMatchObject({ code: 0, stdout: expect.stringContaining('the run holds') as string })
  })

  it('reports files of another contract, which somebody named', async () => {
    keepRoom('offers', {})
    const { code, stdout } = await audit('offers', 'run-1.json', 'foreign.json')
    expect(code).toBe(1)
    expect(stdout).toContain('✗ run.contract')
    expect(stdout).toContain('    foreign.json\n')
  })

  it('says so where it keeps none', async () => {
    keepRoom('offers', {})
    expect(await audit('offers')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('offers keeps no proof of a run') as string,
    })
  })
})
