/** A filter of system calls (seccomp(2)), as the kernel takes it: instructions of eight bytes each. */
export interface SystemCallFilter {
  /** The program, hexadecimal. */
  readonly program: string
  /** Number of prctl(2) on this architecture, which installs it. */
  readonly prctl: number
}

/** Numbers of one architecture (`asm/unistd.h`, `linux/audit.h`). */
interface Architecture {
  readonly audit: number
  readonly prctl: number
  readonly socket: number
  /** Calls that make sockets past socket(2), reach keys that processes of one uid share, or look into the kernel. */
  readonly refused: readonly number[]
  /** First number of calls by another convention (x32); undefined where there is none. */
  readonly otherConvention?: number
}

const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  __proto__: null as never,
  x64: {
    audit: 0xc000003e,
    prctl: 157,
    socket: 41,
    // add_key, request_key, keyctl, perf_event_open, bpf, userfaultfd, io_uring_setup
    refused: [248, 249, 250, 298, 321, 323, 425],
    otherConvention: 0x40000000,
  },
  arm64: {
    audit: 0xc00000b7,
    prctl: 167,
    socket: 198,
    refused: [217, 218, 219, 241, 280, 282, 425],
  },
}

/**
 * Families that end at the borders of a network namespace: AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. Others do not have to:
 * AF_VSOCK, above all, is a way from a virtual machine to its host that no namespace knows.
 */
const FAMILIES: readonly number[] = [1, 2, 10, 16]

/** Operations of classic BPF (`linux/bpf_common.h`). */
const LOAD = 0x20
const JUMP_IF_EQUAL = 0x15
const JUMP_IF_NOT_BELOW = 0x35
const RETURN = 0x06
/** Where `struct seccomp_data` has what is asked for. */
const CALL_AT = 0
const ARCHITECTURE_AT = 4
const FIRST_ARGUMENT_AT = 16

const ALLOW = 0x7fff0000
const FAIL_WITH = 0x00050000
const EPERM = 1
const EAFNOSUPPORT = 97

/** One step; a jump names the label it goes to, and else goes on. */
type Step = { label: string } | { operation: number; value: number; to?: string }

/**
 * Lets a process make sockets of the families that its network namespace confines, and no others. For any call that is
 * refused the process sees an error, and goes on. Undefined for an architecture whose numbers are not known here.
 */
export function systemCallFilter(architecture: string = process.arch): SystemCallFilter | undefined {
  const known = ARCHITECTURES[architecture]
  if (known === undefined) return undefined
  const { audit, socket, refused, otherConvention } = known
  const steps: Step[] = [
    { operation: LOAD, value: ARCHITECTURE_AT },
    { operation: JUMP_IF_EQUAL, value: audit, to: 'same' },
    // The numbers of a program for another architecture mean other calls.
    { operation: RETURN, value: FAIL_WITH | EPERM },
    { label: 'same' },
    { operation: LOAD, value: CALL_AT },
    ...(otherConvention === undefined
      ? []
      : [{ operation: JUMP_IF_NOT_BELOW, value: otherConvention, to: 'refuse' }]),
    ...refused.map((call) => ({ operation: JUMP_IF_EQUAL, value: call, to: 'refuse' })),
    { operation: JUMP_IF_EQUAL, value: socket, to: 'socket' },
    { operation: RETURN, value: ALLOW },
    { label: 'refuse' },
    { operation: RETURN, value: FAIL_WITH | EPERM },
    { label: 'socket' },
    { operation: LOAD, value: FIRST_ARGUMENT_AT },
    ...FAMILIES.map((family) => ({ operation: JUMP_IF_EQUAL, value: family, to: 'allow' })),
    { operation: RETURN, value: FAIL_WITH | EAFNOSUPPORT },
    { label: 'allow' },
    { operation: RETURN, value: ALLOW },
  ]
  return { program: assemble(steps), prctl: known.prctl }
}

/** `struct sock_filter` after `struct sock_filter`: code, jump if true, jump if false, value. */
function assemble(steps: readonly Step[]): string {
  const places = new Map<string, number>()
  const instructions: Exclude<Step, { label: string }>[] = []
  for (const step of steps) {
    if ('label' in step) places.set(step.label, instructions.length)
    else instructions.push(step)
  }
  const bytes = Buffer.alloc(8 * instructions.length)
  for (const [index, { operation, value, to }] of instructions.entries()) {
    bytes.writeUInt16LE(operation, 8 * index)
    bytes.writeUInt8(to === undefined ? 0 : places.get(to)! - index - 1, 8 * index + 2)
    bytes.writeUInt32LE(value >>> 0, 8 * index + 4)
  }
  return bytes.toString('hex')
}
