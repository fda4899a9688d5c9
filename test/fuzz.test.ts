import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { makeInput } from '../scripts/fuzz/make-input.ts'
import { type Outcome, TargetRunner } from '../scripts/fuzz/run-target.ts'
import { loadTarget } from '../scripts/fuzz/targets.ts'

const MODULE = new URL('fuzz-targets.ts', import.meta.url).href
const SEED = 3
const INPUTS = 800

describe('npm run fuzz', { timeout: 120_000 }, () => {
  // Only what never ends is to be found by its silence; what ends may be as slow as a busy machine makes it.
  const runners = { hang: new TargetRunner(3_000), others: new TargetRunner(60_000) }
  afterAll(() => {
    for (const runner of Object.values(runners)) runner.close()
  })
  const run = (target: string, from = 0, to = INPUTS): Promise<Outcome> =>
    runners[target === 'hang' ? 'hang' : 'others'].run(
      { target, module: MODULE, seed: SEED, from, to, seconds: 60 },
      () => {},
    )

  it.each([
    ['hang', 'hang', /does not end/],
    ['buffer', 'memory', /takes \d+ MB/],
    ['objects', 'memory', /takes \d+ MB|out of memory/],
    ['all memory', 'memory', /out of memory|takes \d+ MB/],
    ['hidden overflow', 'crash', /behind SottoError too deep: RangeError: Maximum call stack/],
    ['type error', 'crash', /TypeError: Cannot read/],
    ['exit', 'crash', /the process ended: 3/],
  ])('finds the input of a parser with: %s', async (target, kind, what) => {
    const { findings, inputs } = await run(target)
    expect(findings.map((finding) => finding.kind)).toContain(kind)
    const { index, seed, file, what: found } = findings[0]!
    expect(found).toMatch(what)
    // The number makes the input again, which is the one that was kept; before it, nothing was found.
    const loaded = await loadTarget(target, MODULE)
    expect(new Uint8Array(readFileSync(file))).toEqual(makeInput(loaded, seed, index).input)
    expect(inputs).toBeGreaterThan(index)
    expect((await run(target, index, index + 1)).findings[0]).toMatchObject({ kind, index })
    expect((await run(target, 0, index)).findings).toEqual([])
  })

  it('finds memory that is not given back', async () => {
    const { findings } = await run('leak', 0, 20_000)
    expect(findings[0]).toMatchObject({
      kind: 'memory',
      what: expect.stringMatching(/not given back|takes/) as string,
    })
  })

  it('takes refusals for what they are, and reads every input', async () => {
    expect(await run('refusals')).toMatchObject({ findings: [], inputs: INPUTS })
  })

  it('starts from the same documents in every run', async () => {
    const program = `
      import { createHash } from 'node:crypto'
      import { loadTarget } from ${JSON.stringify(new URL('../scripts/fuzz/targets.ts', import.meta.url).href)}
      for (const name of ['release request', 'trust bundle', 'saved receipt']) {
        const { seeds } = await loadTarget(name)
        for (const { bytes } of seeds) console.log(name, createHash('sha256').update(bytes).digest('hex'))
      }`
    const digests = (): string =>
      execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
    expect(digests()).toBe(digests())
  })
})
