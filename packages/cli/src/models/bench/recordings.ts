import { readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { cliError } from '../../errors.ts'

/** Recordings, and what is said in each where that is known. */
export interface Recordings {
  readonly paths: readonly string[]
  readonly references?: readonly string[]
}

/** Recordings of one folder at most, and bytes of what is said in them. */
const MAX_RECORDINGS = 1000
const MAX_REFERENCE_BYTES = 4 * 1024 * 1024
const AUDIO = /\.(wav|flac|mp3|ogg|opus|webm)$/i

/**
 * One recording with its `--reference`, or a folder with a `ref.json`: an object from file name to what is said, or a
 * list for `0.wav`, `1.wav` and so on. @throws `CLI_FILE`, `CLI_USAGE`
 */
export async function openRecordings(
  cwd: string,
  audio: string,
  reference: string | undefined,
): Promise<Recordings> {
  const path = resolve(cwd, audio)
  const about = await stat(path).catch((cause: unknown) => {
    throw cliError('CLI_FILE', `cannot read ${audio}`, { cause })
  })
  if (!about.isDirectory())
    return { paths: [path], ...(reference !== undefined && { references: [said(reference, '--reference')] }) }
  if (reference !== undefined)
    throw cliError('CLI_USAGE', '--reference is for one recording', {
      hint: 'put what is said in a folder of recordings into its ref.json',
    })
  const listed = await readReferences(join(path, 'ref.json'))
  const names =
    listed === undefined
      ? (await readdir(path)).filter((name) => AUDIO.test(name)).sort()
      : listed.map(([name]) => name)
  if (names.length === 0 || names.length > MAX_RECORDINGS)
    throw cliError('CLI_FILE', `${audio} does not hold recordings that can be measured on`, {
      expected: `1 to ${MAX_RECORDINGS} of them`,
      found: `${names.length}`,
    })
  return {
    paths: names.map((name) => join(path, name)),
    ...(listed !== undefined && { references: listed.map(([, text]) => text) }),
  }
}

async function readReferences(path: string): Promise<[name: string, text: string][] | undefined> {
  let json: unknown
  try {
    const { size } = await stat(path)
    if (size > MAX_REFERENCE_BYTES) throw cliError('CLI_FILE', `${path} is too large`)
    json = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cliError('CLI_FILE', `cannot read ${path}`, { cause })
  }
  const entries: [string, unknown][] = Array.isArray(json)
    ? json.map((text: unknown, i) => [`${i}.wav`, text])
    : typeof json === 'object' && json !== null
      ? Object.entries(json)
      : []
  return entries.map(([name, text]) => {
    // The names are files of that folder: nothing leads out of it.
    if (!AUDIO.test(name) || /[/\\]/.test(name) || typeof text !== 'string')
      throw cliError('CLI_FILE', `${path} does not say what is said in which recording`, {
        expected: '{"name.wav": "what is said"}, or a list for 0.wav, 1.wav ...',
      })
    return [name, said(text, name)]
  })
}

function said(text: string, where: string): string {
  if (/\p{L}|\p{N}/u.test(text)) return text
  throw cliError('CLI_FILE', `there is no word in the reference of ${where}`)
}
