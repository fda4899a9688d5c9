import { quote } from '../sandbox/words.ts'

/** What every app finds in its environment, and what its deployment adds. */
export function appEnvironment(
  ports: { port: number; apiPort: number },
  ...added: Readonly<Record<string, string>>[]
): Record<string, string> {
  return Object.assign({ LANG: 'C.UTF-8' }, ...added, {
    HOME: '/tmp',
    TMPDIR: '/tmp',
    PATH: '/opt/node/bin:/usr/local/bin:/usr/bin:/bin',
    PORT: `${ports.port}`,
    OPENAI_BASE_URL: `http://127.0.0.1:${ports.apiPort}/v1`,
    // SDKs ask for one; nobody looks at it.
    OPENAI_API_KEY: 'none',
  }) as Record<string, string>
}

/**
 * The script that becomes the app, for the standard input of a shell whose `$@` is its command. An environment says too
 * much to stand in a list of words, which every process of a machine may read; and a privileged program must not have it,
 * for some names tell a program what to load.
 */
export function appScript(environment: Readonly<Record<string, string>>): string {
  const exports = Object.entries(environment).map(([name, value]) => `export ${name}=${quote(value)}`)
  return ['cd /app', 'unset PWD OLDPWD', ...exports, '"$@" </dev/null &', 'wait $!', 'exit $?', ''].join('\n')
}
