/**
 * TPM_RC: TCG "Trusted Platform Module Library" Part 2, Section 6.6. Three tables: codes about a parameter,
 * a handle or a session (bit 7 set), other errors, and warnings, after which the same command may succeed.
 */
const FORMAT_ONE: Readonly<Record<number, string>> = {
  0x01: 'ASYMMETRIC',
  0x02: 'ATTRIBUTES',
  0x03: 'HASH',
  0x04: 'VALUE',
  0x05: 'HIERARCHY',
  0x07: 'KEY_SIZE',
  0x08: 'MGF',
  0x09: 'MODE',
  0x0a: 'TYPE',
  0x0b: 'HANDLE',
  0x0c: 'KDF',
  0x0d: 'RANGE',
  0x0e: 'AUTH_FAIL',
  0x0f: 'NONCE',
  0x10: 'PP',
  0x12: 'SCHEME',
  0x15: 'SIZE',
  0x16: 'SYMMETRIC',
  0x17: 'TAG',
  0x18: 'SELECTOR',
  0x1a: 'INSUFFICIENT',
  0x1b: 'SIGNATURE',
  0x1c: 'KEY',
  0x1d: 'POLICY_FAIL',
  0x1f: 'INTEGRITY',
  0x20: 'TICKET',
  0x21: 'RESERVED_BITS',
  0x22: 'BAD_AUTH',
  0x23: 'EXPIRED',
  0x24: 'POLICY_CC',
  0x25: 'BINDING',
  0x26: 'CURVE',
  0x27: 'ECC_POINT',
}
const VERSION_ONE: Readonly<Record<number, string>> = {
  0x00: 'INITIALIZE',
  0x01: 'FAILURE',
  0x03: 'SEQUENCE',
  0x20: 'DISABLED',
  0x21: 'EXCLUSIVE',
  0x24: 'AUTH_TYPE',
  0x25: 'AUTH_MISSING',
  0x26: 'POLICY',
  0x27: 'PCR',
  0x28: 'PCR_CHANGED',
  0x2d: 'UPGRADE',
  0x2e: 'TOO_MANY_CONTEXTS',
  0x2f: 'AUTH_UNAVAILABLE',
  0x30: 'REBOOT',
  0x31: 'UNBALANCED',
  0x42: 'COMMAND_SIZE',
  0x43: 'COMMAND_CODE',
  0x44: 'AUTHSIZE',
  0x45: 'AUTH_CONTEXT',
  0x46: 'NV_RANGE',
  0x47: 'NV_SIZE',
  0x48: 'NV_LOCKED',
  0x49: 'NV_AUTHORIZATION',
  0x4a: 'NV_UNINITIALIZED',
  0x4b: 'NV_SPACE',
  0x4c: 'NV_DEFINED',
  0x50: 'BAD_CONTEXT',
  0x51: 'CPHASH',
  0x52: 'PARENT',
  0x53: 'NEEDS_TEST',
  0x54: 'NO_RESULT',
  0x55: 'SENSITIVE',
}
const WARNING: Readonly<Record<number, string>> = {
  0x01: 'CONTEXT_GAP',
  0x02: 'OBJECT_MEMORY',
  0x03: 'SESSION_MEMORY',
  0x04: 'MEMORY',
  0x05: 'SESSION_HANDLES',
  0x06: 'OBJECT_HANDLES',
  0x07: 'LOCALITY',
  0x08: 'YIELDED',
  0x09: 'CANCELED',
  0x0a: 'TESTING',
  0x10: 'REFERENCE_H0',
  0x11: 'REFERENCE_H1',
  0x12: 'REFERENCE_H2',
  0x20: 'NV_RATE',
  0x21: 'LOCKOUT',
  0x22: 'RETRY',
  0x23: 'NV_UNAVAILABLE',
}

/** Warnings that go away by themselves within moments (Part 3, Section 5.2). */
const PASSING = new Set(['YIELDED', 'TESTING', 'NV_RATE', 'RETRY', 'NV_UNAVAILABLE'])

/** What a response code means. */
export interface ResponseCode {
  /** `TPM_RC_HANDLE`; the number where it has no name. */
  name: string
  /** `handle 1`, `parameter 2`, `session 1`, or nothing. */
  about: string | undefined
  /** Whether the same command may succeed when it is sent again. */
  isPassing: boolean
}

/** Reads a response code other than 0. Bits 16 to 23 say which layer answered: 11 is the kernel's resource manager. */
export function decodeResponseCode(code: number): ResponseCode {
  const unknown = { name: `TPM_RC 0x${code.toString(16)}`, about: undefined, isPassing: false }
  const low = code & 0xffff
  if (low > 0xfff) return unknown
  if (low & 0x080) {
    const name = FORMAT_ONE[low & 0x3f]
    return name === undefined ? unknown : { name: `TPM_RC_${name}`, about: subject(low), isPassing: false }
  }
  if ((low & 0x100) === 0 || low & 0x400) return unknown
  const name = (low & 0x800 ? WARNING : VERSION_ONE)[low & 0x7f]
  if (name === undefined) return unknown
  return { name: `TPM_RC_${name}`, about: undefined, isPassing: (low & 0x800) !== 0 && PASSING.has(name) }
}

/** Bits 8 to 11 number a parameter (bit 6 set), a session (bit 11 set) or a handle; 0 names none. */
function subject(code: number): string | undefined {
  const number = (code >> 8) & 0xf
  if (number === 0) return undefined
  if (code & 0x40) return `parameter ${number}`
  return number >= 8 ? `session ${number - 8}` : `handle ${number}`
}
