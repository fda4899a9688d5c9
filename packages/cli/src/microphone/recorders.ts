import { cliError } from '../errors.ts'
import { findProgram } from '../process/index.ts'

/** Samples a second of what is recorded: what speech models hear. */
export const MICROPHONE_RATE = 16_000

/** A program that records, and what makes it write raw 16-bit samples of one channel to its standard output. */
export interface Recorder {
  /** Path of the program. */
  program: string
  args: readonly string[]
  /** Beside the environment that there is. */
  env?: Readonly<Record<string, string>>
}

/** What a recorder is looked for in. */
export interface RecorderWorld {
  platform: NodeJS.Platform
  env: Readonly<Record<string, string | undefined>>
}

const RATE = String(MICROPHONE_RATE)

/** What ffmpeg calls the microphones of a system, and the one it takes by itself. */
const FFMPEG_INPUTS: Readonly<Partial<Record<NodeJS.Platform, (device: string | undefined) => string[]>>> = {
  darwin: (device = ':default') => ['-f', 'avfoundation', '-i', device],
  win32: (device = 'default') => ['-f', 'dshow', '-i', `audio=${device}`],
  linux: (device = 'default') => ['-f', 'pulse', '-i', device],
}
const RAW_SPEECH = ['-ac', '1', '-ar', RATE, '-f', 's16le', '-']

/** By program name, best first: what belongs to the system before what was installed. */
const RECORDERS: Readonly<
  Record<string, (platform: NodeJS.Platform, device: string | undefined) => Omit<Recorder, 'program'>>
> = {
  arecord: (_platform, device) => ({
    args: ['-q', '-t', 'raw', '-f', 'S16_LE', '-r', RATE, '-c', '1'].concat(
      device === undefined ? [] : ['-D', device],
    ),
  }),
  sox: (_platform, device) => ({
    args: ['-q', '-d', '-t', 'raw', '-r', RATE, '-c', '1', '-e', 'signed', '-b', '16', '-'],
    ...(device !== undefined && { env: { AUDIODEV: device } }),
  }),
  ffmpeg(platform, device) {
    const input = (FFMPEG_INPUTS[platform] ?? FFMPEG_INPUTS.linux!)(device)
    return { args: ['-nostdin', '-loglevel', 'error', ...input, ...RAW_SPEECH] }
  },
}

const INSTALL: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  linux: 'install one: apt install alsa-utils (arecord), or sox, or ffmpeg',
  darwin: 'install one: brew install sox, or ffmpeg',
  win32: 'install one: winget install ffmpeg, and name the microphone with --device',
}

/**
 * The first program of this machine that can record.
 * @param device the microphone as that program names it. @default the system's choice
 * @throws `MICROPHONE_MISSING` saying what to install
 */
export function findRecorder({ platform, env }: RecorderWorld, device: string | undefined): Recorder {
  for (const [name, recorder] of Object.entries(RECORDERS)) {
    const program = findProgram(platform === 'win32' ? `${name}.exe` : name, env['PATH'] ?? env['Path'])
    if (program !== undefined) return { program, ...recorder(platform, device) }
  }
  throw cliError('MICROPHONE_MISSING', 'no program here can record from a microphone', {
    expected: Object.keys(RECORDERS).join(', '),
    hint: `${INSTALL[platform] ?? 'install sox or ffmpeg'}; or name a recording: sotto assistant FILE`,
  })
}
