import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { equalBytes } from '@sotto/protocol/bytes'
import { hasCode } from '@sotto/protocol/errors'
import { chunkAt, type ModelContent, modelSealer, openOwn, sealedChunks } from '@sotto/client/models'
import { syncFolder } from '@sotto/client/node'
import type { ModelOwner } from '@sotto/client'
import { chunkRange, FIXED_HEADER_BYTES, parseHeader, sealedBytes, type Sealer } from '@sotto/protocol/sealed'
import { cliError } from '../errors.ts'

/** How a sealed file is written. */
export interface SealFileOptions {
  signal: AbortSignal
  /** Told of bytes of content that were sealed, those of an earlier run included. */
  onBytes: (bytes: number) => void
}

/** A sealed file that is whole. */
export interface SealedFile {
  artifact: string
  bytes: number
  /** Chunks that an earlier, interrupted run had sealed already. */
  resumed: number
}

/**
 * Seals a model into `out`, by way of `out.part`. What an interruption leaves of that goes on here: its header says
 * under which id and salt, and the key comes from the owner. All of the content is read and compared with its
 * manifest again, so that one key never seals two contents.
 * @throws `CLI_FILE`, `MODEL_SOURCE`
 */
export async function sealFile(
  content: ModelContent,
  owner: ModelOwner,
  out: string,
  { signal, onBytes }: SealFileOptions,
): Promise<SealedFile> {
  const part = `${out}.part`
  const begun = await openPart(part, content, owner)
  const { file, sealer, resumed } = begun ?? (await beginPart(part, content, owner))
  const { header } = sealer
  try {
    let index = resumed
    for await (const chunk of sealedChunks(sealer, content, resumed, { signal, onBytes })) {
      await writeAt(file, chunk, chunkRange(header, index++).start)
    }
    await file.sync()
  } catch (error) {
    // Sealed from something that is not the model.
    if (hasCode(error, 'MODEL_SOURCE')) await rm(part, { force: true })
    throw full(error, part)
  } finally {
    await file.close()
  }
  await rename(part, out).catch((cause: unknown) => {
    throw cliError('CLI_FILE', `cannot write ${out}`, { cause })
  })
  await syncFolder(dirname(out))
  return { artifact: header.id, bytes: sealedBytes(header), resumed }
}

interface Part {
  file: FileHandle
  sealer: Sealer
  resumed: number
}

/** What an earlier run left, if it is of this very model and owner. */
async function openPart(part: string, content: ModelContent, owner: ModelOwner): Promise<Part | undefined> {
  const file = await open(part, 'r+').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw cliError('CLI_FILE', `cannot write ${part}`, { cause: error })
  })
  if (file === undefined) return undefined
  try {
    const headerBytes = await read(file, parseHeader(await read(file, FIXED_HEADER_BYTES)).headerBytes)
    const { header } = openOwn(headerBytes, owner)
    const sealer = modelSealer(content, owner, { id: header.id, salt: header.salt })
    if (equalBytes(sealer.headerBytes, headerBytes)) {
      const { size } = await file.stat()
      // The chunk that the next byte belongs to: those before it are whole.
      return { file, sealer, resumed: chunkAt(header, size) }
    }
  } catch {
    // Of another model, another owner, or not even a header: it is begun anew.
  }
  await file.close()
  await rm(part, { force: true })
  return undefined
}

async function beginPart(part: string, content: ModelContent, owner: ModelOwner): Promise<Part> {
  const sealer = modelSealer(content, owner)
  try {
    const file = await open(part, 'wx', 0o644)
    await writeAt(file, sealer.headerBytes, 0)
    return { file, sealer, resumed: 0 }
  } catch (error) {
    throw full(error, part)
  }
}

async function read(file: FileHandle, length: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(length)
  const { bytesRead } = await file.read(buffer, 0, length, 0)
  return buffer.subarray(0, bytesRead)
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at)
    at += bytesWritten
  }
}

function full(error: unknown, part: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) return error
  return cliError('CLI_FILE', `cannot write ${part}`, {
    found: code,
    hint:
      code === 'ENOSPC'
        ? 'free some space and run the command again: it goes on where it stopped'
        : 'choose another place with --out',
    cause: error,
  })
}
