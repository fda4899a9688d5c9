import type { SottoError } from '@sotto/protocol/errors'
import type { RunView } from '@sotto/protocol/room'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { canariesIn } from './canaries.ts'
import type { RoomLab } from '../../support/room-lab.ts'
import type { Mark } from './mark.ts'
import type { RoomScene } from './room-scene.ts'

/** One attack by its name: what is done, and what has to come of it. */
export interface Attack<Scene> {
  name: string
  /** Throws or resolves with what refused it: a code, or a run that failed. */
  does(scene: Scene): Promise<unknown>
  /** Code of the refusal, and behind it the rule or the inner code where there is one. */
  refusedWith: string
  /**
   * Who counts it: the room, the KMS, the run itself (every party sees its failure and the log has its charge), or the
   * program of the party that was to be deceived, which then sends nothing.
   */
  seenBy: 'room' | 'kms' | 'run' | 'party'
  /** The KMS's code, where the refusal that parties are told names neither it nor a rule that stands for it. */
  counts?: string
  /** Runs that it costs, as the contract says. @default 0 */
  spends?: number
  /** Sealed files that the room puts on the board: outputs that are for reviewers. @default 0 */
  writes?: number
}

export type RoomAttack = Attack<RoomScene>

/** What attacks share: each leaves it as it was. */
export interface Scene {
  readonly lab: RoomLab
  /** What the room and its KMS have done so far. */
  mark(): Mark
  /** Sealed files that the room put on the board. */
  readonly written: readonly Uint8Array[]
  restore(): Promise<void>
  close(): Promise<void>
}

/** Names of attacks are names of tests: stable, and each its own. */
export function runAttacks<Attacked extends Scene>(
  title: string,
  attacks: readonly Attack<Attacked>[],
  open: () => Promise<Attacked>,
): void {
  describe(title, () => {
    let scene: Attacked
    beforeAll(async () => {
      scene = await open()
    })
    afterEach(() => scene.restore())
    afterAll(() => scene.close())

    it.each(attacks.map((attack) => [attack.name, attack] as const))('%s', async (_, attack) => {
      const before = scene.mark()
      const outcome = await outcomeOf(() => attack.does(scene))
      expect(outcome.refusal).toBe(attack.refusedWith)
      expectIntact(scene, before, attack)
      expectAudited(scene, before, attack)
      expect(canariesIn(outcome.words), 'what is said of it holds no data').toEqual([])
    })
  })
}

interface Outcome {
  refusal: string
  /** All that is said. */
  words: string
}

/** What came of an attack. */
export async function outcomeOf(does: () => Promise<unknown>): Promise<Outcome> {
  try {
    const said = await does()
    return { refusal: refusalIn(said), words: JSON.stringify(said) ?? '' }
  } catch (error) {
    return { refusal: refusalIn(error), words: wordsOf(error) }
  }
}

function refusalIn(said: unknown): string {
  if (typeof said === 'string') return said
  const { failure, state } = (said ?? {}) as Partial<RunView>
  if (failure !== undefined) return [failure.code, failure.rule].filter(Boolean).join(' ')
  if (state !== undefined) return `none: the run is ${state}`
  const { code, found, message } = (said ?? {}) as { code?: string; found?: string; message?: string }
  if (code === undefined) return said instanceof Error ? String(said) : 'none'
  const inner = INNER.exec(found ?? '')?.[0] ?? RULE.exec(message ?? '')?.[1]
  return inner === undefined ? code : `${code} ${inner}`
}

/** A code of another service, or the name of a rule. */
const INNER = /^[A-Z]+_[A-Z_]+$|^[a-z][a-z-]*(?=: )|^[a-z]+(?:\.[a-z-]+)+(?=: )/

/** As the message of a refusal names it, which is all that a party is sent. */
const RULE = /breaks the rule ([a-z-]+)$/

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? ''
  const { expected, found, hint } = error as SottoError
  return [error.message, expected, found, hint].join(' ')
}

type Costs = Omit<Attack<unknown>, 'does'>

/** What an attack costs is what the contract says, and nothing has left. */
function expectIntact(scene: Scene, before: Mark, { spends = 0, writes = 0 }: Costs): void {
  const now = scene.mark()
  expect(now.charges - before.charges, 'charged as the contract says').toBe(spends)
  expect(now.runEvents - before.runEvents, 'each charge is in the log').toBe(spends)
  expect(now.releasedEvents - before.releasedEvents, 'no result was released').toBe(0)
  expect(now.written - before.written, 'the room wrote no output').toBe(writes)
  for (const file of scene.written.slice(before.written)) expect(canariesIn(file)).toEqual([])
  for (const entry of scene.lab.world.log.entries.slice(before.logEntries))
    expect(canariesIn(entry)).toEqual([])
}

/** What the KMS counts where parties are told a rule. */
const CODE_OF_RULE: Readonly<Record<string, string>> = {
  budget: 'CONTRACT_BUDGET',
  withdrawn: 'CONTRACT_WITHDRAWN',
  closed: 'CONTRACT_CLOSED',
  'data-statement': 'KMS_CONTRACT_DATA',
  'room-image': 'KMS_NOT_ADMITTED',
}

function expectAudited(scene: Scene, before: Mark, attack: Costs): void {
  const { seenBy, refusedWith, counts, spends = 0 } = attack
  const { refused, world } = scene.lab
  const room = refused.slice(before.roomRefusals)
  const kms = world.refused.slice(before.kmsRefusals).map(([code]) => code)
  const words = refusedWith.split(' ')
  const codes = [...words, ...words.map((word) => CODE_OF_RULE[word]), counts]
  const named = (counted: string[]): boolean => counted.some((code) => codes.includes(code))
  if (seenBy === 'room') expect(named(room), `the room counts it, of ${room.join()}`).toBe(true)
  if (seenBy === 'kms') expect(named(kms), `the KMS counts it, of ${kms.join()}`).toBe(true)
  if (seenBy === 'run') expect(spends, 'its charge is in the log').toBeGreaterThan(0)
}
