import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWhole } from '@sotto/client/node'
import { isRunning, type ProcessIdentity } from '../process/index.ts'

/** Folder of a local stack's state, in the working directory. */
export const STATE_FOLDER = '.sotto'

/** One part of a running stack. */
export interface RunningRole {
  name: string
  pid: number
  url: string
  /** It has ended while the others kept running. `at` is ISO 8601. */
  ended?: { at: string; reason: string }
}

/** The deployment that a running stack is. */
export interface RunningDeployment {
  name: string
  /** SHA-256 of what was deployed: the same digest is the same deployment. */
  digest: string
  /** Name and SHA-256 of the own app, if there is one. */
  app?: { name: string; sha256: string }
  replicas: number
  /** Unix seconds. */
  expiresAt?: number
}

/** What `stack.json` says of a running stack. */
export interface RunningStack {
  relay: string
  gateway: string
  policy: string
  /** T10: what runs on a laptop is a software TEE, and says so everywhere. */
  software: true
  /** Process that keeps the stack, and what tells it from a later one of its number. */
  supervisor: number
  supervisorStarted: string
  state: string
  roles: RunningRole[]
  /** Where clients of the other dialect connect: with `--compat azure`. */
  azure?: { kms: string; serviceFile: string; score: string }
  /** Absent: the stack of `sotto up`. */
  deployment?: RunningDeployment
  /** How often its enclaves were started again on request. */
  restarts?: number
}

const fileOf = (folder: string): string => join(folder, 'stack.json')

/** What is noted of the stack of this state folder, whether it still runs or not. Undefined for a damaged note. */
export async function readNote(folder: string): Promise<RunningStack | undefined> {
  const text = await readFile(fileOf(folder), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const note = JSON.parse(text) as RunningStack
    return Array.isArray(note.roles) && note.roles.every(isRole) ? note : undefined
  } catch {
    return undefined
  }
}

function isRole(role: Partial<RunningRole> | null): boolean {
  return typeof role?.name === 'string' && typeof role.pid === 'number' && typeof role.url === 'string'
}

/** The stack that runs from this state folder, if one does. A note left by a killed one counts as none. */
export async function readRunning(folder: string): Promise<RunningStack | undefined> {
  const note = await readNote(folder)
  return note !== undefined && isRunning(supervisorOf(note)) ? note : undefined
}

/** Leaves the note that the other commands find the stack by. */
export function writeNote(folder: string, note: RunningStack): Promise<void> {
  return writeWhole(fileOf(folder), JSON.stringify(note, null, 2))
}

/** Removes the note. */
export function removeNote(folder: string): Promise<void> {
  return rm(fileOf(folder), { force: true })
}

/** The process that keeps the stack. */
export function supervisorOf({ supervisor, supervisorStarted }: RunningStack): ProcessIdentity {
  return { pid: supervisor, started: supervisorStarted }
}

/** What is wrong with a noted stack and what to do, in words; undefined when it is whole. */
export function troubleOf(note: RunningStack): { what: string; hint: string } | undefined {
  if (!isRunning(supervisorOf(note))) {
    return {
      what: `the stack is gone: its process ${note.supervisor} ended without sotto down`,
      hint: 'sotto up starts it again',
    }
  }
  const ended = note.roles.flatMap(({ name, pid, ended: end }) =>
    end === undefined ? [] : [`${name} (process ${pid}) ended at ${end.at}: ${end.reason}`],
  )
  if (ended.length === 0) return undefined
  return { what: ended.join('; '), hint: 'sotto down and then sotto up start it again' }
}
