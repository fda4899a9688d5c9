import { fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { parseStrictJson, type JsonValue } from '@sotto/protocol/jcs'
import { type JsonObject, type Jws, member, parseClaims, parseJws } from '@sotto/protocol/jose'
import { verifierError } from '../errors.ts'

/** Tokens of NVIDIA's Remote Attestation Service (NRAS): an overall one and a detached one for each device. */
const MAX_BUNDLE_CHARACTERS = 1_048_576
const MAX_DEVICES = 32

/** One token. Structure only: nothing in it is proven. */
export interface NrasToken {
  /** `overall: `, or with the name of the submodule whose digest it has, `GPU-0: `; for messages. */
  label: string
  /** SHA-256 of the token as it stands, hexadecimal. */
  digest: string
  jws: Jws
  claims: JsonObject
}

/** The tokens of one answer. */
export interface NrasBundle {
  overall: NrasToken
  /** Detached tokens, in the order of the bundle. */
  devices: readonly NrasToken[]
  /** SHA-256 of the detached token of each submodule, by its name, as the overall token says. */
  submodules: ReadonlyMap<string, string>
}

/** Whether this is a JSON list that starts with a token, or with a list of its own, and not with an object. */
export function isToken(bytes: Uint8Array): boolean {
  const start = nextCharacter(bytes, 0)
  if (bytes[start] !== OPEN_LIST) return false
  const first = bytes[nextCharacter(bytes, start + 1)]
  return first === QUOTE || first === OPEN_LIST
}

const [OPEN_LIST, QUOTE] = [0x5b, 0x22]

function nextCharacter(bytes: Uint8Array, from: number): number {
  let at = from
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++
  return at
}

/**
 * Reads an Entity Attestation Token bundle (RFC 9711 Section 5): `[["JWT", overall], {"GPU-0": token, …}]`, or the
 * tokens alone in a list, the overall one first. Whether they belong together is for {@link findStrays}.
 *
 * @throws `EVIDENCE_MALFORMED` (fix-input)
 */
export function parseNrasBundle(evidence: Uint8Array): NrasBundle {
  try {
    const value = parseStrictJson(fromUtf8(evidence), { maxBytes: MAX_BUNDLE_CHARACTERS })
    const { overall, detached } = splitBundle(value)
    if (detached.length > MAX_DEVICES) throw new Error(`there are ${detached.length} detached tokens`)
    const token = parseToken(overall, () => 'overall')
    const submodules = readSubmodules(token)
    const nameOf = (digest: string, i: number): string =>
      [...submodules].find(([, expected]) => expected === digest)?.[0] ?? `token ${i + 1}`
    const devices = detached.map((text, i) => parseToken(text, (digest) => nameOf(digest, i)))
    return { overall: token, devices, submodules }
  } catch (cause) {
    const { message, expected, found } = cause as { message: string; expected?: string; found?: string }
    throw verifierError('EVIDENCE_MALFORMED', `token of NRAS: ${message}`, {
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
      cause,
    })
  }
}

function splitBundle(value: JsonValue): { overall: string; detached: readonly string[] } {
  if (!Array.isArray(value)) throw new Error('it is no list')
  const [first, ...rest] = value as readonly JsonValue[]
  if (typeof first === 'string') return { overall: first, detached: rest.map(requireText) }
  const [word, overall, ...more] = Array.isArray(first) ? (first as readonly JsonValue[]) : []
  const [tokens, ...others] = rest
  const isObject = typeof tokens === 'object' && tokens !== null && !Array.isArray(tokens)
  if (word !== 'JWT' || more.length > 0 || !isObject || others.length > 0)
    throw new Error('it is no pair of an overall token and detached ones')
  return { overall: requireText(overall), detached: Object.values(tokens as JsonObject).map(requireText) }
}

function requireText(value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw new Error('something in it is no token')
  return value
}

function parseToken(text: string, nameOf: (digest: string) => string): NrasToken {
  const jws = parseJws(text)
  const digest = toHex(publicCrypto.sha256(utf8(text)))
  return { label: `${nameOf(digest)}: `, digest, jws, claims: parseClaims(jws.payload) }
}

/** `submods`: `{"GPU-0": ["DIGEST", ["SHA-256", hexadecimal of the digest of the detached token]]}`. */
function readSubmodules({ claims }: NrasToken): Map<string, string> {
  const submodules = member(claims, 'submods')
  if (typeof submodules !== 'object' || submodules === null || Array.isArray(submodules))
    throw new Error('the overall token has no submodules')
  const entries = Object.entries(submodules as JsonObject)
  if (entries.length === 0 || entries.length > MAX_DEVICES)
    throw new Error(`there are ${entries.length} submodules`)
  return new Map(entries.map(([name, value]) => [name, readDigest(value)]))
}

/** What keeps submodules and detached tokens from being one for one, in words; undefined where they are. */
export function findStrays({ devices, submodules }: NrasBundle): string | undefined {
  const given = devices.map(({ digest }) => digest)
  const stray = [...submodules].filter(([, digest]) => !given.includes(digest)).map(([name]) => name)
  if (stray.length > 0) return `no detached token has the digest of ${stray.join(', ')}`
  const named = new Set(submodules.values())
  const isOneForOne =
    named.size === submodules.size && named.size === given.length && new Set(given).size === given.length
  return isOneForOne ? undefined : `${submodules.size} submodules, ${given.length} detached tokens`
}

function readDigest(value: JsonValue): string {
  const [word, pair, ...more] = Array.isArray(value) ? (value as readonly JsonValue[]) : []
  const [algorithm, digest, ...rest] = Array.isArray(pair) ? (pair as readonly JsonValue[]) : []
  if (
    word !== 'DIGEST' ||
    algorithm !== 'SHA-256' ||
    typeof digest !== 'string' ||
    more.length + rest.length > 0
  )
    throw new Error('a submodule has no SHA-256 digest')
  return digest
}
