import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commands } from '../../src/commands/index.ts'
import { TRAINING_DRAFT } from '../../src/help/training.ts'
import { parseDraft, readDraftFiles, standInContract } from '../../src/room/draft/index.ts'
import { runInMemory, type RunResult } from '../support/memory-io.ts'

let cwd: string
beforeEach(() => void (cwd = mkdtempSync(join(tmpdir(), 'sotto-train-'))))
afterEach(() => rmSync(cwd, { recursive: true }))

describe('sotto train check', () => {
  const check = async (text: string, ...flags: string[]): Promise<RunResult> => {
    writeFileSync(join(cwd, 'draft.yaml'), text)
    const argv = ['train', 'check', 'draft.yaml', ...flags]
    return runInMemory(commands, argv, { cwd, nowMs: () => 1.8e12 })
  }

  it('says what the draft of the help costs and how large it is', { timeout: 120_000 }, async () => {
    const { code, stdout } = await check(TRAINING_DRAFT)
    expect(code).toBe(0)
    const lines = stdout.split('\n')
    expect(lines[0]).toBe('fraud  linear: 3 columns in 5 places, 6 weights')
    expect(lines[1]).toBe('  steps    800 of 256 rows')
    expect(lines[2]).toMatch(/^ {2}privacy {2}epsilon 3 at delta 1e-5 a run, noise \d\.\d+, rate 0\.016$/)
    expect(lines.slice(3, 5)).toEqual([
      '  budget   alder-payments of alder: 1 run, epsilon 4 at delta 1e-5 in all',
      '  budget   birch-payments of birch: 2 runs, epsilon 8 at delta 2e-5 in all',
    ])
    const json = JSON.parse((await check(TRAINING_DRAFT, '--json')).stdout) as {
      trainings: { privacy: { epsilonMicros: number } }[]
    }
    expect(json.trainings[0]!.privacy.epsilonMicros).toBe(3_000_000)
  })

  it('prints the whole contract where that is asked for, and warns of a bound that is too small', async () => {
    const open = TRAINING_DRAFT.replaceAll(/noisy: true/g, 'noisy: false')
      .replace(/ +privacy: .*\n/, '')
      .replace(/ +metrics_epsilon: .*\n/, '')
      .replace('max_bytes: 1MiB', 'max_bytes: 1KiB')
    const { code, stdout, stderr } = await check(open, '--all')
    expect([code, stderr.split('\n')[0]]).toEqual([
      0,
      expect.stringMatching(/^warning: the output model may have 1\.0 KiB, and the model has about/),
    ])
    expect(stdout).toContain('title     One model of fraud')
    expect(stdout).toContain('privacy  none: the model may tell of single rows')
  })

  it('is of drafts with a training', async () => {
    const { code, stderr } = await check('title: a')
    expect([code, stderr.includes('[ROOM_DRAFT]')]).toEqual([2, true])
  })

  it('finds the draft of the help to be one that every member can be taken from', async () => {
    const draft = parseDraft(TRAINING_DRAFT, '/train.yaml')
    const { contract } = standInContract(draft, await readDraftFiles(draft), 1_800_000_000)
    expect(contract.outputs.map(({ part }) => part)).toEqual([undefined, 'metrics'])
  })
})
