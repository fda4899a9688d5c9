import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { cliError } from '../../errors.ts'

/** What a registry asks for. Never printed, and never part of an error. */
export interface RegistryCredentials {
  username: string
  password: string
}

/** Keys under which Docker keeps what it knows of its own registry. */
const DOCKER_HUB_KEYS = ['https://index.docker.io/v1/', 'docker.io', 'index.docker.io']

/**
 * What `docker login` left for a registry in `config.json` (`DOCKER_CONFIG`, else `~/.docker`), under `auths`. Credentials
 * that a helper program keeps are not asked for.
 * @throws `CLI_CONFIG` where the file is damaged
 */
export async function readDockerCredentials(
  registry: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<RegistryCredentials | undefined> {
  const folder = env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker')
  const file = join(folder, 'config.json')
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw damaged(file)
  })
  if (text === undefined) return undefined
  const keys = registry === 'registry-1.docker.io' ? DOCKER_HUB_KEYS : [registry, `https://${registry}`]
  let found: { auth?: unknown; username?: unknown; password?: unknown } | undefined
  try {
    const { auths } = JSON.parse(text) as { auths?: Record<string, typeof found> }
    const key = keys.find((key) => auths !== undefined && Object.hasOwn(auths, key))
    found = key === undefined ? undefined : auths![key]
  } catch {
    // The cause would quote the file.
    throw damaged(file)
  }
  if (found == null) return undefined
  const { auth, username, password } = found
  if (typeof username === 'string' && typeof password === 'string') return { username, password }
  if (auth === undefined || auth === '') return undefined
  const pair = typeof auth === 'string' ? Buffer.from(auth, 'base64').toString('utf8') : ''
  const colon = pair.indexOf(':')
  if (colon < 1) throw damaged(file)
  return { username: pair.slice(0, colon), password: pair.slice(colon + 1).replace(/\0+$/, '') }
}

function damaged(file: string): Error {
  return cliError('CLI_CONFIG', 'the credentials of registries cannot be read', {
    found: file,
    hint: 'sign in again with docker login, or remove the entry',
  })
}
