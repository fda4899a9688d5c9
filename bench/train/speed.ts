import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { loraCase, tableCase, type TrainCase, type Work } from './cases.ts'
import type { Torch } from './torch.ts'

/** What a guarantee may add to a step. */
export const PRIVACY_GOAL = 1.15
/** Steps beside those of torch that takes other rows in each step, too. */
export const TORCH_GOAL = 1

/** Examples, or tokens, a second of processor time: of the best round, which others on the machine disturbed least. */
export interface Speed {
  readonly name: string
  readonly unit: TrainCase['unit']
  readonly graph: number
  readonly clippedGraph: number
  readonly steps: number
  readonly privateSteps: number
  /** On one batch again and again, and on rows that are drawn. */
  readonly torch?: readonly number[]
}

export interface SpeedOptions {
  readonly rounds: number
  readonly seconds: number
  readonly torch: Torch | undefined
  say(line: string): void
}

const WARM = 5

/** Steps of each case beside the bare graph and torch, which alternate in each round. */
export async function measureSpeed(options: SpeedOptions): Promise<Speed[]> {
  const { say, torch } = options
  const cases = [
    tableCase('logistic regression of 30, batch 1024', [30, 1], 1024),
    tableCase('logistic regression of 30, batch 16384', [30, 1], 16_384),
    tableCase('perceptron 30-64-32-1, batch 1024', [30, 64, 32, 1], 1024),
    tableCase('perceptron 784-256-128-10, batch 256', [784, 256, 128, 10], 256),
  ]
  const llama = resolve(
    process.env['SOTTO_TESTDATA'] ?? resolve(import.meta.dirname, '../../../shared/testdata'),
    'llm/stories260K-f32.gguf',
  )
  if (existsSync(llama)) cases.push(loraCase(llama))
  else say(`no ${llama}: nothing is said of LoRA; SOTTO_TESTDATA names the folder`)
  if (!torch) say('python3 has no torch: only the bare graph stands beside; --python names another')
  const found: Speed[] = []
  for (const one of cases) {
    const speed = await measureCase(one, options)
    found.push(speed)
    describe(speed, say)
  }
  return found
}

async function measureCase(one: TrainCase, { rounds, seconds, torch }: SpeedOptions): Promise<Speed> {
  const works = [await one.graph(false), await one.graph(true), await one.steps(false), await one.steps(true)]
  for (const work of works) for (let at = 0; at < WARM; at++) await work()
  const own: number[][] = works.map(() => [])
  const peers: number[][] = one.torch.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (const [at, work] of works.entries()) own[at]!.push(await perSecond(work, seconds))
    if (torch)
      for (const [at, peer] of one.torch.entries()) peers[at]!.push(await torch.perSecond(peer, seconds))
  }
  const best = (all: readonly number[]): number => Math.max(...all)
  const [graph, clippedGraph, steps, privateSteps] = own.map(best)
  return {
    name: one.name,
    unit: one.unit,
    graph: graph!,
    clippedGraph: clippedGraph!,
    steps: steps!,
    privateSteps: privateSteps!,
    ...(torch && { torch: peers.map(best) }),
  }
}

async function perSecond(work: Work, seconds: number): Promise<number> {
  const start = process.cpuUsage()
  let done = 0
  for (;;) {
    done += await work()
    const { user, system } = process.cpuUsage(start)
    const spent = (user + system) / 1e6
    if (spent >= seconds) return done / spent
  }
}

function describe(speed: Speed, say: (line: string) => void): void {
  const { name, unit, graph, clippedGraph, steps, privateSteps, torch } = speed
  say(
    `${name}: ${count(steps)} ${unit} a second of CPU, ${ratio(steps, graph)} the bare graph (${count(graph)})`,
  )
  const added = steps / privateSteps
  say(
    `  with a guarantee ${count(privateSteps)}, + ${((added - 1) * 100).toFixed(0)} %; goal + ${((PRIVACY_GOAL - 1) * 100).toFixed(0)} %: ` +
      `${added <= PRIVACY_GOAL ? 'holds' : 'DOES NOT HOLD'}; of the graph alone + ${((graph / clippedGraph - 1) * 100).toFixed(0)} %`,
  )
  if (!torch) return
  const [fixed, drawn] = torch
  say(
    `  torch ${drawn === undefined ? count(fixed!) : `${count(drawn)} with rows that are drawn, ${count(fixed!)} with the same batch`}: ` +
      `we ${ratio(steps, drawn ?? fixed!)}, goal ${TORCH_GOAL} x: ${isAsFast(speed) ? 'holds' : 'DOES NOT HOLD'}`,
  )
}

/** Whether steps are as fast as those of torch, where it is there. */
export function isAsFast({ steps, torch }: Speed): boolean {
  return torch === undefined || steps >= TORCH_GOAL * torch.at(-1)!
}

/** Whether a guarantee adds no more than it may. */
export function isCheap({ steps, privateSteps }: Speed): boolean {
  return steps / privateSteps <= PRIVACY_GOAL
}

function count(perSecond: number): string {
  return perSecond >= 1e6 ? `${(perSecond / 1e6).toFixed(2)}M` : `${(perSecond / 1e3).toFixed(1)}k`
}

function ratio(one: number, other: number): string {
  return `${(one / other).toFixed(2)} x`
}
