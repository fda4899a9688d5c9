import { type Jwk, parseJwks } from '@sotto/protocol/jose'
import { type OcspResponse, parseOcspResponse } from '@sotto/protocol/x509'
import { Refusal } from '../checks/index.ts'
import type { Collateral } from '../family/index.ts'
import { startsAsJson } from './evidence.ts'
import { parseRim, type Rim, rimDigest } from './rim.ts'

/** Chains, manifests and responses of 12 devices, and room for surplus. */
const MAX_PIECES = 128
/** Manifests have 26 kB, sets of keys 40 kB. */
const MAX_PIECE_BYTES = 524_288

/** What came beside evidence, sorted by what it is. Nothing in it is proven. */
export interface NvidiaCollateral {
  /** Certificates in PEM. */
  chains: Uint8Array[]
  rims: Rim[]
  ocsp: OcspResponse[]
  /** Keys of NRAS. */
  jwks: ReadonlyMap<string, Jwk>[]
  /** Why pieces could not be read, or are nothing known. */
  problems: Refusal[]
}

/** Manifests that were read before and are genuine, by SHA-256 of their bytes. */
export interface KnownRims {
  get(digest: string): Rim | undefined
}

/** Sorts pieces by their content; names say nothing. Does not throw: what cannot be read is listed. */
export function readNvidiaCollateral(collateral: Collateral, known: KnownRims): NvidiaCollateral {
  const read: NvidiaCollateral = { chains: [], rims: [], ocsp: [], jwks: [], problems: [] }
  const pieces = Object.values(collateral)
  if (pieces.length > MAX_PIECES) {
    read.problems.push(refusal('too much was given', `at most ${MAX_PIECES} pieces`, `${pieces.length}`))
    return read
  }
  for (const piece of pieces) {
    try {
      readPiece(piece, read, known)
    } catch (error) {
      const { message, expected, found } = error as { message: string; expected?: string; found?: string }
      const of = error instanceof Refusal ? error.class : undefined
      read.problems.push(new Refusal(message, expected, found, of ?? 'collateral-invalid'))
    }
  }
  return read
}

function readPiece(piece: Uint8Array, into: NvidiaCollateral, known: KnownRims): void {
  if (piece.length > MAX_PIECE_BYTES)
    throw refusal('a piece is too long', `at most ${MAX_PIECE_BYTES} bytes`, `${piece.length}`)
  // First bytes: SEQUENCE, a dash of PEM, a tag, a brace.
  const first = piece.find((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)
  if (piece[0] === 0x30) into.ocsp.push(parseOcspResponse(piece))
  else if (first === 0x2d) into.chains.push(piece)
  else if (first === 0x3c) readRim(piece, into, known)
  else if (startsAsJson(piece)) into.jwks.push(parseJwks(piece))
  else throw refusal('a piece is no chain, manifest, OCSP response or key set')
}

/** The same file twice is one manifest, whether it was read before or not. */
function readRim(piece: Uint8Array, into: NvidiaCollateral, known: KnownRims): void {
  const digest = rimDigest(piece)
  if (into.rims.some((rim) => rim.digest === digest)) return
  into.rims.push(known.get(digest) ?? parseRim(piece, digest))
}

function refusal(message: string, expected?: string, found?: string): Refusal {
  return new Refusal(message, expected, found, 'collateral-invalid')
}
