/** Somebody who takes part: the operator, or a party. Nobody shares a home, a key or a process with anybody. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from './commands.mjs'

/** Lines of one command that are shown; the rest is counted. */
const SHOWN = 16

/**
 * @param {{name: string, folder: string, say: (line: string) => void}} about `folder`: of all people
 */
export async function createPerson({ name, folder, say }) {
  const home = join(folder, name, 'home')
  const desk = join(folder, name, 'desk')
  for (const one of [join(home, 'tmp'), desk]) await mkdir(one, { recursive: true, mode: 0o700 })

  /** Runs `sotto ARGS` where this person works, and shows what it printed, all at once: others work at the same time. */
  async function run(args, { input, shown = SHOWN } = {}, isRefused = false) {
    const result = await runCommand(args, { cwd: desk, home, input })
    const printed = result.stdout.split('\n').filter(Boolean)
    const refusal = result.stderr.slice(Math.max(0, result.stderr.search(/^error: /m)))
    say(
      [
        `${name}$ sotto ${args.map(quoted).join(' ')}`,
        ...printed.slice(0, shown).map(indented),
        ...(shown > 0 && printed.length > shown ? [`    ... and ${printed.length - shown} more lines`] : []),
        ...(isRefused ? refusal.split('\n').filter(Boolean).map(indented) : []),
      ].join('\n'),
    )
    return { ...result, refusal }
  }

  return {
    name,
    /** Its files. */
    desk,
    /** Its home and its files. */
    folder: join(folder, name),
    /**
     * Runs a command that has to succeed.
     * @param {string[]} args @param {{input?: string, shown?: number}} [options]
     * @returns {Promise<string>} what it printed
     */
    async sotto(args, options) {
      const { code, stdout, stderr } = await run(args, options)
      if (code === 0) return stdout
      throw new Error(`${name}: sotto ${args.join(' ')} ended with ${code}\n${stderr}`)
    },
    /**
     * Runs a command that has to be refused.
     * @returns {Promise<string>} the refusal, as it was told
     */
    async refused(args, options) {
      const { code, stderr, refusal } = await run(args, options, true)
      if (code !== 0 && code !== null) return refusal
      throw new Error(`${name}: sotto ${args.join(' ')} was not refused\n${stderr}`)
    },
  }
}

/** Below the command that printed it, as much as fits. */
const indented = (line) => `    ${line.slice(0, 160)}`

function quoted(word) {
  if (/^[\w./:=@,-]+$/.test(word)) return word
  return `'${word}'`
}
