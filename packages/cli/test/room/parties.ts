/** Parties at desks of their own, at one service. Each test file that uses it mocks `service/open.ts`: see {@link current}. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createService, RELAY } from '../../../client/test/support/service.ts'
import { commands } from '../../src/commands/index.ts'
import { runInMemory, type RunResult, type WorldOptions } from '../support/memory-io.ts'
import { draftOf, type PlainDraft } from './drafts.ts'
import { RoomWorld } from './room-world.ts'

/** Somebody with a folder of configuration. */
export interface Desk {
  name: string
  cwd: string
  sotto(line: string, options?: WorldOptions): Promise<RunResult>
  /** The JSON that a command prints; it has to end well. */
  json<T>(line: string, options?: WorldOptions): Promise<T>
  write(name: string, content: string | Uint8Array): void
}

/** The world that the mocked `openService` connects to. */
export const current: { world: RoomWorld | undefined } = { world: undefined }

/** Everything that two parties need. */
export interface Parties {
  world: RoomWorld
  bank: Desk
  retailer: Desk
  /** Another one with the same folder of policies. */
  desk(name: string): Desk
  clear(): void
}

export async function createParties(): Promise<Parties> {
  const service = await createService()
  const { policy } = service.world
  const base = service.world.now
  const world = new RoomWorld(policy.genesis, () => base)
  current.world = world
  const root = mkdtempSync(join(tmpdir(), 'sotto-rooms-'))
  const desk = (name: string): Desk => {
    const cwd = mkdtempSync(join(root, `${name}-`))
    const write = (file: string, content: string | Uint8Array): void =>
      writeFileSync(join(cwd, file), content)
    write('policy.json', JSON.stringify(policy))
    const sotto = (line: string, options: WorldOptions = {}): Promise<RunResult> =>
      runInMemory(
        commands,
        line
          .split(' ')
          .filter(Boolean)
          .map((word) => word.replaceAll('_SPACE_', ' ')),
        {
          cwd,
          fetch: service.fetch,
          nowMs: () => world.now() * 1000,
          ...options,
          env: {
            SOTTO_HOST: RELAY,
            SOTTO_POLICY: 'policy.json',
            SOTTO_CONFIG_DIR: join(cwd, 'config'),
            ...options.env,
          },
        },
      )
    return {
      name,
      cwd,
      write,
      sotto,
      async json<T>(line: string, options?: WorldOptions) {
        const { code, stdout, stderr } = await sotto(`${line} --json`, options)
        if (code !== 0) throw new Error(`sotto ${line}: ${code}: ${stderr}`)
        return JSON.parse(stdout) as T
      },
    }
  }
  return {
    world,
    bank: desk('bank'),
    retailer: desk('retailer'),
    desk,
    clear: () => rmSync(root, { recursive: true }),
  }
}

/** Makes a room of both. @returns the invitation */
export async function meet({ bank, retailer }: Pick<Parties, 'bank' | 'retailer'>): Promise<string> {
  const { invitation } = await bank.json<{ invitation: string }>('room init offers --as bank')
  await retailer.json('room join - --as retailer --name offers', { stdin: [invitation] })
  return invitation
}

/** A draft of a table of each, whose counts the retailer gets. */
export function sharedDraft(change: (draft: PlainDraft) => void = () => {}): string {
  return draftOf((draft) => {
    draft.inputs['purchases'] = {
      owner: 'retailer',
      kind: 'table',
      columns: { customer: 'text', spent: 'integer' },
      rules: { receivers: ['bank', 'retailer'] },
    }
    draft.transforms['count'] = {
      reads: ['customers', 'purchases'],
      sql: {
        templates: {
          all: {
            sql: 'SELECT count(*) AS n FROM customers JOIN purchases USING (customer) WHERE amount > $least',
            parameters: { least: 'integer' },
          },
        },
        join_keys: ['customer'],
        max_rows: 10,
      },
    }
    change(draft)
  })
}

/** Agrees on a contract, and brings the data of both. @returns digest of the contract */
export async function agree(
  { bank, retailer }: Pick<Parties, 'bank' | 'retailer'>,
  change?: (draft: PlainDraft) => void,
): Promise<string> {
  bank.write('draft.yaml', sharedDraft(change))
  const { contract } = await bank.json<{ contract: string }>('room propose draft.yaml')
  for (const desk of [bank, retailer]) await desk.json(`room vote ${contract} yes --yes`)
  bank.write('customers.csv', 'customer,amount\nada,12\n')
  retailer.write('purchases.csv', 'customer,spent\nada,3\n')
  await bank.json('room data add customers customers.csv')
  await retailer.json('room data add purchases purchases.csv')
  return contract
}
