import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8 } from '@sotto/protocol/bytes'
import type { Capture, Tap } from '../stack/tap.ts'
import type { TappedParty } from '../stack/start.ts'

/** Secrets of the demo run, by what they would tell whoever finds them. */
export interface Secrets {
  /** Anything of the requests: recording, text, prompt. */
  request: Uint8Array[]
  /** Anything of the answers. */
  answer: Uint8Array[]
  /** Inner paths, model names, status. */
  inner: Uint8Array[]
  /** What the client's own headers carried: agent, key. */
  client: Uint8Array[]
  /** A piece of every model's weights. */
  weights: Uint8Array[]
}

/** What one party was seen to get, from the bytes on its sockets. */
export interface Seen {
  connections: number
  receivedBytes: number
  sentBytes: number
  /** Which processes connected to it. */
  from: string[]
  /** Whether each kind of secret stood in those bytes. */
  found: Record<keyof Secrets, boolean>
}

/** Judges raw captures: nothing a party says of itself counts. */
export function whatWasSeen(
  taps: Partial<Record<TappedParty, Tap>>,
  secrets: Secrets,
  nameOf: (pid: number | undefined, party: string) => string,
): Record<string, Seen> {
  return Object.fromEntries(
    Object.entries(taps).map(([party, tap]) => [
      party,
      describe(tap.captures, secrets, (pid) => nameOf(pid, party)),
    ]),
  )
}

function describe(
  captures: readonly Capture[],
  secrets: Secrets,
  nameOf: (pid: number | undefined) => string,
): Seen {
  const streams = captures.flatMap(({ received, sent }) => [Buffer.concat(received), Buffer.concat(sent)])
  const bytes = (pick: (capture: Capture) => Buffer[]): number =>
    captures.reduce((sum, capture) => sum + pick(capture).reduce((n, { length }) => n + length, 0), 0)
  return {
    connections: captures.length,
    receivedBytes: bytes(({ received }) => received),
    sentBytes: bytes(({ sent }) => sent),
    from: [...new Set(captures.map(({ peerPid }) => nameOf(peerPid)))].sort(),
    found: findSecrets(streams, secrets),
  }
}

/** Which kinds of secret stand in any of these byte strings. */
export function findSecrets(haystacks: readonly Buffer[], secrets: Secrets): Record<keyof Secrets, boolean> {
  const stands = (needles: readonly Uint8Array[]): boolean =>
    needles.some((needle) => haystacks.some((haystack) => haystack.includes(Buffer.from(needle))))
  return {
    request: stands(secrets.request),
    answer: stands(secrets.answer),
    inner: stands(secrets.inner),
    client: stands(secrets.client),
    weights: stands(secrets.weights),
  }
}

/** Every file below a folder, searched for the secrets: what the disks hold. */
export async function whatDisksHold(
  folder: string,
  secrets: Secrets,
): Promise<{ files: number; found: Record<keyof Secrets, boolean> }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  const contents = await Promise.all(files.map((file) => readFile(file).catch(() => Buffer.alloc(0))))
  return { files: files.length, found: findSecrets(contents, secrets) }
}

/** Pieces of a text long enough that they do not occur by chance: its longest words in a row. */
export function piecesOf(text: string): Uint8Array[] {
  const clean = text.trim()
  const middle = Math.max(0, Math.floor(clean.length / 2) - 12)
  return [clean.slice(0, 24), clean.slice(middle, middle + 24)]
    .filter((piece) => piece.length >= 12)
    .map(utf8)
}

/** Pieces of a file: 48 bytes from several places that are not all alike. */
export function slicesOf(bytes: Uint8Array): Uint8Array[] {
  return [0.2, 0.4, 0.6, 0.8]
    .map((place) => bytes.subarray(Math.floor(bytes.length * place), Math.floor(bytes.length * place) + 48))
    .filter((slice) => slice.length === 48 && new Set(slice).size > 8)
}
