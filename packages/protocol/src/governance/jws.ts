import { toBase64Url, toHex, utf8 } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import { canonicalJson, type Decoder, parseCanonicalJson } from '../jcs/index.ts'
import { parseJws, type Jws } from '../jose/index.ts'
import type { Digest, Member, MemberKey } from '../keyrelease/types.ts'
import { ballotDecoder, holdDecoder, proposalDecoder } from './decode.ts'
import { governanceError } from './errors.ts'
import { algorithmOf, hasMemberSigned } from './member-key.ts'
import {
  MAX_MEMBER_JWS_CHARACTERS,
  MEMBER_JWS_TYPES,
  type Ballot,
  type Hold,
  type MemberJwsType,
  type MemberSigner,
  type Proposal,
} from './types.ts'

/** Document of each type of JWS. */
interface Documents {
  proposal: Proposal
  ballot: Ballot
  hold: Hold
}

const DECODERS: { [Type in MemberJwsType]: Decoder<Documents[Type]> } = {
  proposal: proposalDecoder,
  ballot: ballotDecoder,
  hold: holdDecoder,
}

/** What somebody says a member signed; nothing about the signature is known. */
export interface MemberJws<Type extends MemberJwsType> {
  token: string
  /** Whose key it names. */
  key: MemberKey
  document: Documents[Type]
  /**
   * What it is called, hexadecimal: SHA-256 of the payload bytes; of a hold, of header and payload as they are
   * signed, so that the same words of two members are two holds.
   */
  id: Digest
  jws: Jws
}

/** What this member signed. */
export interface MemberStatement<Type extends MemberJwsType> {
  token: string
  member: Member
  document: Documents[Type]
  id: Digest
}

/** Signs a document as a compact JWS. Whether it makes sense is for whoever reads it: see {@link parseMemberJws}. */
export function signMemberJws<Type extends MemberJwsType>(
  type: Type,
  document: Documents[Type],
  signer: MemberSigner,
): string {
  const signed = `${headerOf(type, signer.key)}.${toBase64Url(canonicalJson(document))}`
  return `${signed}.${toBase64Url(signer.sign(utf8(signed)))}`
}

/**
 * Structure of a compact JWS that anybody may have written. Its header is exactly algorithm, key and type in
 * canonical JSON, the algorithm is the one of the key, the payload is canonical JSON: signature aside, one
 * statement has one spelling.
 *
 * @throws `GOVERNANCE_MALFORMED` (fix-input)
 */
export function parseMemberJws<Type extends MemberJwsType>(token: string, type: Type): MemberJws<Type> {
  try {
    const jws = parseJws(token, { maxBytes: MAX_MEMBER_JWS_CHARACTERS })
    const key = jws.header.kid ?? ''
    // One comparison refuses another algorithm, another type, and every member that changes a meaning.
    if (token.slice(0, token.indexOf('.')) !== headerOf(type, key))
      throw governanceError('GOVERNANCE_MALFORMED', 'the header is another one', {
        expected: `alg, kid and typ ${MEMBER_JWS_TYPES[type]}`,
      })
    const document = DECODERS[type](parseCanonicalJson(jws.payload), type)
    const named = type === 'hold' ? jws.signed : jws.payload
    return { token, key, document, id: toHex(publicCrypto.sha256(named)), jws }
  } catch (cause) {
    const { message, expected, found } = cause as Error & { expected?: string; found?: string }
    throw governanceError('GOVERNANCE_MALFORMED', `the signed ${type} is malformed: ${message}`, {
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
      cause,
    })
  }
}

/**
 * A statement that one of these members signed.
 *
 * @throws `GOVERNANCE_SIGNATURE` (stop)
 */
export function verifyMemberJws<Type extends MemberJwsType>(
  { token, key, document, id, jws }: MemberJws<Type>,
  members: readonly Member[],
): MemberStatement<Type> {
  const member = members.find((one) => one.key === key)
  if (member === undefined)
    throw governanceError('GOVERNANCE_SIGNATURE', 'it is signed with a key that is no member’s')
  if (!isProven(key, token, jws))
    throw governanceError('GOVERNANCE_SIGNATURE', 'its signature is not of the member it names', {
      found: member.name,
    })
  return { token, member, document, id }
}

/** Most signatures that are remembered, 64 characters each: of a full history of constitutions. */
const MAX_PROVEN = 1024

/**
 * Signatures that verified, by SHA-256 of the token, the one used last at the end: a bundle carries the same
 * ones every time. Whether a signature verifies depends on nothing but the token, which names its key. Only
 * members add to it, so that whoever sends tokens cannot push out what is useful.
 */
const proven = new Set<Digest>()

function isProven(key: MemberKey, token: string, { signed, signature }: Jws): boolean {
  const digest = toHex(publicCrypto.sha256(utf8(token)))
  if (!proven.delete(digest) && !isSigned(key, signed, signature)) return false
  proven.add(digest)
  if (proven.size > MAX_PROVEN) proven.delete(proven.values().next().value!)
  return true
}

/** A key of a member that is no point of its curve signs nothing. */
function isSigned(key: MemberKey, signed: Uint8Array, signature: Uint8Array): boolean {
  try {
    return hasMemberSigned(key, signed, signature)
  } catch {
    return false
  }
}

function headerOf(type: MemberJwsType, kid: MemberKey): string {
  return toBase64Url(canonicalJson({ alg: algorithmOf(kid), kid, typ: MEMBER_JWS_TYPES[type] }))
}
