import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { proveConsistency, type TileReader } from '@sotto/protocol/merkle'
import { parseCheckpoint, parseNote } from '@sotto/protocol/note'
import { tilePath } from '@sotto/protocol/tile-path'
import { createWorld } from '@sotto/testkit'
import { type TrustPolicy, verifyTrustBundle } from '@sotto/verifier'
import { commands } from '../../packages/cli/src/commands/index.ts'
import { runInMemory, type RunResult } from '../../packages/cli/test/support/memory-io.ts'
import { claim } from '../claims.ts'
import { append, log, openFolder, ORIGIN, type Party, witness } from './parties.ts'

/** A dozen processes start, on a machine that may be busy. */
const SLOW_MS = 240_000

const world = await createWorld()

function policyOf(
  party: Party,
  keys: TrustPolicy['witnesses']['keys'],
  quorum: number,
  allowOperatorWitnesses = false,
): TrustPolicy {
  return {
    ...world.policy,
    log: { origin: ORIGIN, key: party.key },
    witnesses: { keys, quorum, allowOperatorWitnesses },
  }
}

const noteOf = async (party: Party): Promise<string> => (await fetch(`${party.url}/log/checkpoint`)).text()

/** How a client judges the log's part of a bundle; the rest of it is of another world, and does not matter here. */
function stepsOf(
  note: string,
  policy: TrustPolicy,
  context: Partial<Parameters<typeof verifyTrustBundle>[2]> = {},
): Record<string, string> {
  const bundle = { ...world.bundle, checkpoint: note }
  const { verdict } = verifyTrustBundle(bundle, policy, { now: Math.floor(Date.now() / 1000), ...context })
  return Object.fromEntries(
    verdict.steps.filter(({ name }) => name.startsWith('log.')).map(({ name, status }) => [name, status]),
  )
}

const tilesOf =
  (party: Party): TileReader =>
  async (tile) =>
    new Uint8Array(await (await fetch(`${party.url}/log/${tilePath(tile)}`)).arrayBuffer())

const monitor = (cwd: string, party: Party): Promise<RunResult> =>
  runInMemory(
    commands,
    [
      'log',
      'monitor',
      '--once',
      '--json',
      '--log',
      `${party.url}/log`,
      '--key',
      party.key,
      '--origin',
      ORIGIN,
    ],
    {
      cwd,
      fetch: globalThis.fetch,
      nowMs: Date.now,
    },
  )

test(
  claim(
    'T14',
    'two witness processes of two organisations make a checkpoint independent; one of them, or the operator’s, do not',
  ),
  async () => {
    const { folder, run } = openFolder()
    const [first, second] = [await witness(folder, 'first'), await witness(folder, 'second')]
    const served = await log(folder, 'log', [first, second])
    for (const one of [first, second]) {
      one.watch(served.key)
      await run(one)
    }
    await run(served)
    expect(await append(served, 'an entry')).toEqual({ status: 200 })
    const note = await noteOf(served)
    const as = (a: string, b: string, operator: boolean, allow = false): Record<string, string> =>
      stepsOf(
        note,
        policyOf(
          served,
          [
            { key: first.key, organisation: a, operator: false },
            { key: second.key, organisation: b, operator },
          ],
          operator && !allow ? 1 : 2,
          allow,
        ),
      )
    const passed = { 'log.checkpoint': 'pass', 'log.witnesses': 'pass' }
    expect(as('university', 'newspaper', false)).toMatchObject({
      ...passed,
      'log.witnesses-independent': 'pass',
    })
    // Two keys of one organisation are one organisation.
    expect(as('university', 'university', false)).toMatchObject({
      ...passed,
      'log.witnesses-independent': 'fail',
    })
    expect(as('university', 'operator', true)).toMatchObject({
      ...passed,
      'log.witnesses-independent': 'fail',
    })
    expect(as('university', 'operator', true, true)).toMatchObject({
      ...passed,
      'log.witnesses-independent': 'skipped',
    })
  },
  SLOW_MS,
)

test(
  claim(
    ['T3', 'chain.log'],
    'a log that shows two people two histories: its witness, a client that remembers and a monitor refuse it',
  ),
  async () => {
    const { folder, run } = openFolder()
    const [honest, accomplice] = [await witness(folder, 'honest'), await witness(folder, 'accomplice')]
    const one = await log(folder, 'one', [honest])
    honest.watch(one.key)
    await run(honest)
    const first = await run(one)
    await append(one, 'what both see')
    await append(one, 'and this')
    // The operator copies key and history, and goes on in two ways.
    await first.kill('SIGKILL')
    const other = await log(folder, 'other', [accomplice], one)
    const refused = await log(folder, 'refused', [honest], one)
    accomplice.watch(one.key)
    await run(accomplice)
    await run(one)
    await run(other)
    expect(await append(one, 'for the first')).toEqual({ status: 200 })
    for (const text of ['for the second', 'and more for the second'])
      expect(await append(other, text)).toEqual({ status: 200 })

    // The honest witness cosigns no second history; the log that asks it for one stops.
    await run(refused).catch(() => undefined)
    const answer = await append(refused, 'for a third').catch(() => undefined)
    expect([undefined, 'LOG_FORKED']).toContain(answer?.code)
    expect(answer?.status).not.toBe(200)

    // A client that saw the first is shown the second, with the accomplice's cosignature and its own tiles.
    const policy = policyOf(
      one,
      [honest, accomplice].map(({ key }) => ({ key, organisation: 'operator', operator: true })),
      1,
      true,
    )
    const [noteOfOne, noteOfOther] = [await noteOf(one), await noteOf(other)]
    const seen = parseCheckpoint(parseNote(noteOfOne).text)
    const shown = parseCheckpoint(parseNote(noteOfOther).text)
    expect([seen.size, shown.size]).toEqual([3, 4])
    const consistency = await proveConsistency(seen.size, shown.size, tilesOf(other))
    expect(stepsOf(noteOfOther, policy)).toMatchObject({
      'log.witnesses': 'pass',
      'log.consistency': 'skipped',
    })
    expect(stepsOf(noteOfOther, policy, { lastCheckpoint: seen, consistency })).toMatchObject({
      'log.witnesses': 'pass',
      'log.consistency': 'fail',
    })

    // A monitor that followed the first keeps what proves it, for anybody, offline.
    expect((await monitor(folder, one)).code).toBe(0)
    const alarmed = await monitor(folder, other)
    expect(alarmed.code).toBe(6)
    expect(alarmed.stdout).toContain('"alert":"SPLIT_VIEW"')
    const [file = ''] = readdirSync(folder).filter((name) => name.startsWith('split-view-'))
    const proven = await runInMemory(commands, ['log', 'prove', file], { cwd: folder })
    expect([proven.code, proven.stdout]).toEqual([
      0,
      expect.stringContaining('proven: the log signed two histories'),
    ])
    const evidence = readFileSync(join(folder, file), 'utf8')
    writeFileSync(
      join(folder, 'changed.json'),
      evidence.replace(/(?<="path":\[")../, (byte) => (byte === '00' ? '01' : '00')),
    )
    expect((await runInMemory(commands, ['log', 'prove', 'changed.json'], { cwd: folder })).code).toBe(3)
  },
  SLOW_MS,
)
