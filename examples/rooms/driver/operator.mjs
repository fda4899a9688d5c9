/** Whoever runs the service: it admits keys, and has nothing else of the parties. */
import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { familyOf, sharedMemory, thoseWithCores } from './processes.mjs'
import { searchFolder } from './search.mjs'

/** Lines of the service's processes that are shown when it starts. */
const SHOWN = 10

/**
 * @param {Awaited<ReturnType<import('./person.mjs').createPerson>>} person
 */
export function createOperator(person) {
  const state = join(person.desk, '.sotto')
  let running = false
  let readyAt = 0

  return {
    person,
    /** Starts log, witness, KMS, registry, boards, enclave, clean room and relay, each a process of its own. */
    async start(keys) {
      running = true
      await person.sotto(['up', '--detach', '--rooms', ...keys.flatMap((key) => ['--admit', key])], {
        shown: SHOWN,
      })
      readyAt = Date.now()
    },
    async stop() {
      if (!running) return
      running = false
      await person.sotto(['down'])
    },
    /** Where parties reach the service. */
    async address() {
      return JSON.parse(await readFile(join(state, 'stack.json'), 'utf8')).relay
    },
    /** Gives somebody the trust policy: what they accept of the service. */
    givePolicy: (desk) => copyFile(join(state, 'policy.json'), join(desk, 'policy.json')),
    /**
     * Searches all that the operator has: its folder, with every store, log and temporary file, and files in memory.
     * Copies of the build are left out, as far as nobody wrote to them since.
     */
    async search(search) {
      const disk = await searchFolder(person.folder, search, {
        except: join(state, 'images'),
        since: readyAt,
      })
      const memory = (await sharedMemory()).flatMap(({ name, bytes }) =>
        [Buffer.from(name), bytes].flatMap(search).map((word) => ({ path: `/dev/shm/${name}`, word })),
      )
      return { files: disk.files, found: [...disk.found, ...memory] }
    },
    /** Names of roles whose memory would be written to disk when they crash; undefined when nothing runs. */
    async withCores() {
      if (!running) return undefined
      const { roles } = JSON.parse(await readFile(join(state, 'stack.json'), 'utf8'))
      const each = await Promise.all(
        roles.map(async ({ name, pid }) => [name, await thoseWithCores(await familyOf([pid]))]),
      )
      return each.filter(([, pids]) => pids.length > 0).map(([name]) => name)
    },
  }
}
