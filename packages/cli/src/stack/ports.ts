import { randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { writeWhole } from '@sotto/client/node'
import { cliError } from '../errors.ts'

/**
 * Below the ports that Linux gives to outgoing connections (`ip_local_port_range`, from 32768): a port
 * that is free when it is chosen must still be free when its role has started, seconds later.
 */
const FIRST_PORT = 20_000
const END_PORT = 32_768
const MAX_PORT_ATTEMPTS = 1000

/** Ports that no other stack of this machine chooses until they are given back. */
export interface ChosenPorts<Name extends string> {
  readonly ports: Readonly<Record<Name, number>>
  /** Lets other stacks choose them again: once the roles are gone. */
  giveBack(): void
}

/** Ports for roles, the same as last time where they are still free: an unchanged configuration keeps its digest. */
export async function choosePorts<Name extends string>(
  file: string,
  names: readonly Name[],
): Promise<ChosenPorts<Name>> {
  const previous = JSON.parse(await readFile(file, 'utf8').catch(() => '{}')) as Partial<Record<Name, number>>
  const chosen = {} as Record<Name, number>
  const claims: Server[] = []
  const giveBack = (): void => {
    for (const claim of claims) claim.close()
  }
  try {
    for (const name of names) chosen[name] = await choosePort(claims, Object.values(chosen), previous[name])
    await writeWhole(file, JSON.stringify(chosen) + '\n')
    return { ports: chosen, giveBack }
  } catch (error) {
    giveBack()
    throw error
  }
}

async function choosePort(claims: Server[], taken: readonly number[], wanted = 0): Promise<number> {
  let port = wanted
  for (let attempt = 0; attempt < MAX_PORT_ATTEMPTS; attempt++) {
    const isOurs = port >= FIRST_PORT && port < END_PORT && !taken.includes(port)
    // The claim comes first: another stack that looks at the same port a moment later finds it taken.
    const claim = isOurs ? await claimPort(port) : undefined
    if (claim !== undefined) {
      claims.push(...claim)
      if (await isFree(port)) return port
    }
    port = randomInt(FIRST_PORT, END_PORT)
  }
  throw cliError('ROLE_FAILED', 'no port is free for the roles of the stack', {
    expected: `a free port from ${FIRST_PORT} to ${END_PORT - 1}`,
  })
}

/**
 * Claims a port among the stacks of this machine, whose roles listen on it only seconds later: by a socket of a name that
 * has no file and ends with this process (Linux; elsewhere nothing is claimed). It protects from nobody, but from chance.
 * @returns what is closed to give it back; undefined where another stack has it
 */
async function claimPort(port: number): Promise<Server[] | undefined> {
  if (process.platform !== 'linux') return []
  const claim = await listen(`\0sotto-port-${port}`)
  // Nobody is served on it.
  claim?.on('connection', (socket) => socket.destroy()).unref()
  return claim && [claim]
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port)
  if (server === undefined) return false
  await new Promise((resolve) => server.close(resolve))
  return true
}

/** @returns undefined where somebody listens there */
function listen(at: number | string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    )
    const onListening = (): void => resolve(server)
    if (typeof at === 'string') server.listen(at, onListening)
    else server.listen(at, '127.0.0.1', onListening)
  })
}
