import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { withFilter } from '../../src/sandbox/kernel-calls.ts'
import { systemCallFilter } from '../../src/sandbox/system-calls.ts'
import { availablePrograms } from '../../src/sandbox/index.ts'

const ALLOW = 0x7fff0000
const refuse = (errno: number): number => 0x50000 | errno
const [EPERM, EAFNOSUPPORT] = [1, 97]

/** Runs a program of the kernel's classic BPF, as `seccomp_data` has the call. */
function run(program: string, data: { arch: number; call: number; argument?: number }): number {
  const bytes = Buffer.from(program, 'hex')
  let value = 0
  for (let at = 0; at < bytes.length / 8; at++) {
    const [code, k] = [bytes.readUInt16LE(8 * at), bytes.readUInt32LE(8 * at + 4)]
    const [jt, jf] = [bytes.readUInt8(8 * at + 2), bytes.readUInt8(8 * at + 3)]
    if (code === 0x06) return k
    if (code === 0x20)
      value = ({ 0: data.call, 4: data.arch, 16: data.argument ?? 0 } as Record<number, number>)[k]!
    else if (code === 0x15) at += value === k ? jt : jf
    else if (code === 0x35) at += value >= k ? jt : jf
    else throw new Error(`unknown code ${code}`)
  }
  throw new Error('no answer')
}

describe.each([
  { name: 'x64', arch: 0xc000003e, socket: 41, read: 0, uring: 425, keyctl: 250, bpf: 321 },
  { name: 'arm64', arch: 0xc00000b7, socket: 198, read: 63, uring: 425, keyctl: 219, bpf: 280 },
])('the filter for $name', ({ name, arch, socket, read, uring, keyctl, bpf }) => {
  const { program } = systemCallFilter(name)!
  const ask = (call: number, argument = 0) => run(program, { arch, call, argument })

  it('lets sockets of this network be made, and no others', () => {
    expect([1, 2, 10, 16].map((family) => ask(socket, family))).toEqual(Array(4).fill(ALLOW))
    // AF_PACKET, AF_ALG, AF_VSOCK, AF_XDP, AF_UNSPEC, and one nobody knows.
    for (const family of [17, 38, 40, 44, 0, 99]) expect(ask(socket, family)).toBe(refuse(EAFNOSUPPORT))
  })

  it('refuses what makes sockets in another way, reaches shared keys, or looks into the kernel', () => {
    for (const call of [uring, keyctl, bpf]) expect(ask(call)).toBe(refuse(EPERM))
  })

  it('lets everything else pass', () => {
    for (const call of [read, 1000]) expect(ask(call)).toBe(ALLOW)
  })

  it('believes no call of another architecture or convention', () => {
    expect(run(program, { arch: 0x40000003, call: read })).toBe(refuse(EPERM))
    if (name === 'x64') expect(ask(0x40000000 + socket, 40)).toBe(refuse(EPERM))
  })
})

it('is none for an architecture whose numbers are not known', () => {
  expect(systemCallFilter('riscv64')).toBeUndefined()
  expect(systemCallFilter('__proto__')).toBeUndefined()
})

describe('the kernel', () => {
  const { perl, python, setpriv } = availablePrograms()
  const LOOK = `while read -r name value; do [ "$name" = Seccomp: ] && echo "$value"; done < /proc/self/status; exit 0`

  it.each([
    ['perl', { perl }],
    ['python3', { python }],
  ] as const)('takes it from %s', (name, only) => {
    const interpreters = { ip: undefined, perl: undefined, python: undefined, ...only }
    const filter = systemCallFilter()
    const words = filter && withFilter(filter, interpreters)
    if (words === undefined || setpriv === undefined)
      return void process.stderr.write(`skipped: no ${name} or setpriv, or unknown architecture\n`)
    const { stdout, status } = spawnSync(setpriv, ['--no-new-privs', ...words, '/bin/sh', '-c', LOOK], {
      env: {},
    })
    expect([status, stdout.toString().trim()]).toEqual([0, '2'])
  })
})
