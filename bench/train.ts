import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { MEMORY_ENV } from '../packages/cli/src/stack/memory.ts'
import { describeNoise, measureNoise } from './support/noise.ts'
import { ACCOUNTANT_GOAL_MS, measureAccountant } from './train/accountant.ts'
import { isAsGood, measureModels } from './train/models.ts'
import { isAsFast, isCheap, measureSpeed } from './train/speed.ts'
import { Torch } from './train/torch.ts'

/**
 * Confidential training, on one thread: steps as a room makes them beside the bare graph in the runtime and beside torch,
 * without a guarantee and with one; accuracy on public tables beside what is known of the same models; time and tightness of
 * the accountant. It runs with the environment that rooms are started with.
 */
const PARTS = ['speed', 'models', 'accountant'] as const
type BenchPart = (typeof PARTS)[number]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    // Of processor time, for each of some six measurements of a case in each round.
    seconds: { type: 'string', default: '0.5' },
    python: { type: 'string', default: 'python3' },
    check: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})

const isLikeARole = Object.entries(MEMORY_ENV).every(([name, value]) => process.env[name] === value)
process.exitCode = isLikeARole ? await main() : again()

function again(): number {
  const env = { ...process.env, ...MEMORY_ENV }
  return spawnSync(process.execPath, process.argv.slice(1), { env, stdio: 'inherit' }).status ?? 1
}

async function main(): Promise<number> {
  const unknown = positionals.find((name) => !(PARTS as readonly string[]).includes(name))
  if (unknown !== undefined) {
    console.error(`train has no part ${unknown}: ${PARTS.join(', ')}`)
    return 2
  }
  const isAsked = (part: BenchPart): boolean => positionals.length === 0 || positionals.includes(part)
  const say = (line: string): void => void (values.json || console.log(line))
  const before = await measureNoise()
  say(describeNoise('before', before))
  const torch = isAsked('speed') ? await Torch.start(values.python) : undefined
  const options = { rounds: Number(values.rounds), seconds: Number(values.seconds), torch, say }
  const speed = isAsked('speed') ? await measureSpeed(options) : []
  torch?.stop()
  const models = isAsked('models') ? await measureModels(say) : []
  const accountant = isAsked('accountant') ? measureAccountant(say) : undefined
  const after = await measureNoise()
  say(describeNoise('after', after))
  if (values.json)
    console.log(JSON.stringify({ before, torch: torch?.version, speed, models, accountant, after }))
  const isHeld =
    speed.every((one) => isAsFast(one) && isCheap(one)) &&
    models.every(isAsGood) &&
    (accountant === undefined || accountant.milliseconds <= ACCOUNTANT_GOAL_MS)
  return values.check && !isHeld ? 1 : 0
}
