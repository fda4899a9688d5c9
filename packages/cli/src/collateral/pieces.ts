import { type CollateralBundle, describePiece } from '@sotto/client/collateral'
import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { cliError } from '../errors.ts'

/** A piece as commands print it. */
export interface ListedPiece {
  name: string
  /** What its content claims to be. */
  what: string
  size: number
  sha256: string
  /** Unix seconds; null where it does not say. */
  validUntil: number | null
  expired: boolean
}

/** Pieces by name. @param now Unix seconds */
export function listPieces(pieces: CollateralBundle['pieces'], now: number): ListedPiece[] {
  return Object.keys(pieces)
    .sort()
    .map((name) => {
      const bytes = pieces[name]!
      const { what, validUntil } = describePiece(bytes)
      const sha256 = toHex(crypto.sha256(bytes))
      return {
        name,
        what,
        size: bytes.length,
        sha256,
        validUntil,
        expired: validUntil !== null && validUntil < now,
      }
    })
}

/** `2026-12-28 09:30`, UTC. */
export function timeText(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString().slice(0, 16).replace('T', ' ')
}

/** `1 piece`, `7 pieces`. */
export function countText(count: number): string {
  return `${count} ${count === 1 ? 'piece' : 'pieces'}`
}

/** What the file system says: a full disk, no permission, no such folder. */
export function cannotWrite(path: string, cause: unknown): Error {
  return cliError('CLI_FILE', `cannot write ${path}`, {
    cause,
    found: (cause as Error).message,
    hint: 'choose another place with -o',
  })
}
