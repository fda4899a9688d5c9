import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { MAX_PROOF_BYTES, parseRunProof, type RunProof } from '@sotto/client/rooms'
import { MAX_AUDITED_PROOFS } from '@sotto/client/rooms/audit'
import { utf8 } from '@sotto/protocol/bytes'
import { type NamedContract, parseContract } from '@sotto/protocol/contract'
import { SottoError } from '@sotto/protocol/errors'
import { cliError } from '../../errors.ts'
import type { CommandContext } from '../../framework/index.ts'
import { openInput, readBytes } from '../../input/index.ts'
import { short } from '../items.ts'
import { roomFolder } from '../rooms-folder.ts'

/** All proofs of an audit together: they are read at once. */
const MAX_TOTAL_BYTES = 256 * 1024 * 1024

/** A file that may be a proof. Nothing in it is verified. */
export interface ProofFile {
  file: string
  /** Bytes where it is none. */
  proof: RunProof | Uint8Array
  /** What it says that it is about. */
  contract?: NamedContract
}

/** Files of the proofs that a room keeps, by name. @throws `CLI_FILE` there is none */
export async function keptProofs({ io }: CommandContext, name: string): Promise<string[]> {
  const folder = join(roomFolder(io, name), 'proofs')
  const found = await readdir(folder).catch(() => [])
  const files = found.filter((file) => file.endsWith('.json')).sort()
  if (files.length === 0)
    throw cliError('CLI_FILE', `${name} keeps no proof of a run`, {
      expected: `files in ${folder}`,
      hint: 'sotto room outputs keeps them, or name files of proofs',
    })
  return files.map((file) => join(folder, file))
}

/** Reads what may be proofs. @throws `CLI_FILE` too many, too large, or unreadable: nothing is left out in silence */
export async function readProofFiles({ io }: CommandContext, files: readonly string[]): Promise<ProofFile[]> {
  if (files.length > MAX_AUDITED_PROOFS)
    throw cliError('CLI_FILE', 'too many proofs for one audit', { expected: `at most ${MAX_AUDITED_PROOFS}` })
  const read: ProofFile[] = []
  let total = 0
  for (const [at, file] of files.entries()) {
    total += await sizeOf(resolve(io.cwd, file))
    if (total > MAX_TOTAL_BYTES)
      throw cliError('CLI_FILE', 'the proofs are too large for one audit', {
        expected: `at most ${MAX_TOTAL_BYTES} bytes together`,
      })
    read.push(proofFile(file, await readBytes(await openInput(io, files, at), MAX_PROOF_BYTES)))
  }
  return read
}

function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}

function proofFile(file: string, bytes: Uint8Array): ProofFile {
  try {
    const proof = parseRunProof(bytes)
    return { file, proof, contract: parseContract(utf8(proof.contract)) }
  } catch (error) {
    // The audit says what is wrong with it, beside everything else.
    if (error instanceof SottoError) return { file, proof: bytes }
    throw error
  }
}

const PREFIX = /^[0-9a-f]{6,64}$/

/**
 * The contract that proofs are about, by its digest or because they are of no other.
 * @param isWhole whether all of them have to be of it: those of files that somebody named, not those that a room keeps
 * @throws `CLI_USAGE`; `ROOM_ITEM` none is of a contract that begins so, or several are
 */
export function contractOfProofs(
  proofs: readonly ProofFile[],
  wanted: string | undefined,
  { isWhole }: { isWhole: boolean },
): NamedContract | undefined {
  const contracts = new Map(proofs.flatMap(({ contract }) => (contract ? [[contract.digest, contract]] : [])))
  if (wanted === undefined && (isWhole || contracts.size < 2)) return [...contracts.values()][0]
  if (wanted !== undefined && !PREFIX.test(wanted))
    throw cliError('CLI_USAGE', 'contracts are named by their digest, or its beginning', {
      expected: '6 to 64 hexadecimal digits',
    })
  const found = [...contracts.values()].filter(({ digest }) => digest.startsWith(wanted ?? ''))
  const [one] = found
  if (one !== undefined && found.length === 1) return one
  throw cliError(
    'ROOM_ITEM',
    found.length === 0
      ? `no proof is of a contract that begins with ${wanted}`
      : 'the proofs are of several contracts',
    {
      found: [...contracts.values()]
        .slice(0, 8)
        .map(({ digest, contract }) => `${short(digest)} (${contract.title})`)
        .join(', '),
      hint: 'name one with --contract',
    },
  )
}
