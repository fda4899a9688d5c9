import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import { ModuleExit } from '../../../src/room/wasm/wasi/index.ts'
import { ERRNO } from '../../../src/room/wasm/wasi/errno.ts'
import { WASI_FUNCTIONS } from '../../../src/room/wasm/wasi/signatures.ts'
import { codeOf } from './programs.ts'
import { BUFFER, RESULT, TIME, WasiHost } from './wasi-host.ts'

const READ = 1n << 1n
const WRITE = 1n << 6n
const OPEN = { create: 1, directory: 2, exclusive: 4, truncate: 8 }
const END = 2 * 65_536

describe(claim('rooms.code', 'files'), () => {
  it.each([
    ['in/people', 'id,name\n1,a\n'],
    ['in/texts/0', 'first'],
    ['in/texts/1', ''],
    ['in/texts/2', 'third one'],
    ['./in//texts/../people', 'id,name\n1,a\n'],
  ])('%s is read to its end', (path, content) => {
    const host = new WasiHost()
    expect(host.readAll(host.descriptor(path))).toBe(content)
  })

  it('are found from a directory that is open', () => {
    const host = new WasiHost()
    const inputs = host.descriptor('in', { flags: OPEN.directory })
    const texts = host.descriptor('texts', { from: inputs })
    expect(host.readAll(host.descriptor('2', { from: texts }))).toBe('third one')
  })

  it.each([
    ['a directory above all', '../etc/passwd', ERRNO.notcapable],
    ['a directory above all, in the middle', 'in/../../etc/passwd', ERRNO.notcapable],
    ['what starts at a root', '/in/people', ERRNO.notcapable],
    ['a root', '/', ERRNO.notcapable],
    ['nothing', '', ERRNO.noent],
    ['a NUL', 'in/people\0', ERRNO.inval],
    ['no text', Uint8Array.of(0xff, 0xfe), ERRNO.ilseq],
    ['too long a path', 'a/'.repeat(2049), ERRNO.nametoolong],
    ['a file of a file', 'in/people/x', ERRNO.notdir],
    ['a file as a directory', 'in/people/', ERRNO.notdir],
    ['the directory of a file', 'in/people/..', ERRNO.notdir],
    ['a file that is not there', 'in/others', ERRNO.noent],
    ['a directory that is not there', 'proc/self/fd/3', ERRNO.noent],
    ['a member of every object', 'in/__proto__', ERRNO.noent],
    ['another member of every object', 'constructor', ERRNO.noent],
    ['an item behind the last', 'in/texts/3', ERRNO.noent],
    ['an item before the first', 'in/texts/-1', ERRNO.noent],
    ['another spelling of an item', 'in/texts/00', ERRNO.noent],
    ['an item that is no number', 'in/texts/1e0', ERRNO.noent],
  ])('are not found by %s', (_, path, errno) => {
    const host = new WasiHost()
    expect(host.open(path)).toBe(errno)
    expect(host.call('path_filestat_get', 3, 1, ...host.path(path), RESULT)).toBe(errno)
  })

  it('above an open directory are not found from there', () => {
    const host = new WasiHost()
    const inputs = host.descriptor('in')
    expect(host.open('../out', { from: inputs })).toBe(ERRNO.notcapable)
    expect(host.open('texts/../../out', { from: inputs })).toBe(ERRNO.notcapable)
  })

  it.each([
    ['an input to write', 'in/people', { rights: READ | WRITE }, ERRNO.rofs],
    ['an input to cut', 'in/people', { flags: OPEN.truncate }, ERRNO.rofs],
    ['an item to write', 'in/texts/0', { rights: WRITE }, ERRNO.rofs],
    ['a new file', 'out2', { flags: OPEN.create, rights: WRITE }, ERRNO.rofs],
    ['a new input', 'in/new', { flags: OPEN.create, rights: WRITE }, ERRNO.rofs],
    ['the output as a new file', 'out', { flags: OPEN.create | OPEN.exclusive, rights: WRITE }, ERRNO.exist],
    ['a file as a directory', 'out', { flags: OPEN.directory }, ERRNO.notdir],
    ['a directory to cut', 'in', { flags: OPEN.truncate }, ERRNO.isdir],
    ['from a file', 'in', { from: 1 }, ERRNO.notdir],
    ['from what is not open', 'in', { from: 77 }, ERRNO.badf],
  ])('are not opened: %s', (_, path, options, errno) => {
    expect(new WasiHost().open(path, options)).toBe(errno)
  })

  it('are not made, moved, linked or removed', () => {
    const host = new WasiHost()
    const path = host.path('out')
    expect(host.call('path_create_directory', 3, ...path)).toBe(ERRNO.rofs)
    expect(host.call('path_unlink_file', 3, ...path)).toBe(ERRNO.rofs)
    expect(host.call('path_remove_directory', 3, ...path)).toBe(ERRNO.rofs)
    expect(host.call('path_rename', 3, ...path, 3, ...path)).toBe(ERRNO.rofs)
    expect(host.call('path_symlink', ...path, 3, ...path)).toBe(ERRNO.rofs)
    expect(host.call('path_link', 3, 0, ...path, 3, ...path)).toBe(ERRNO.rofs)
    expect(host.call('path_readlink', 3, ...path, 0, 0, RESULT)).toBe(ERRNO.inval)
  })

  it('are read at a place, without moving', () => {
    const host = new WasiHost()
    const fd = host.descriptor('in/people')
    expect(host.call('fd_pread', fd, ...host.vectors([BUFFER, 4]), 3n, RESULT)).toBe(0)
    expect(host.bytes(BUFFER, host.u32()).toString()).toBe('name')
    expect(host.call('fd_tell', fd, RESULT)).toBe(0)
    expect(host.u64()).toBe(0n)
    expect(host.call('fd_pread', fd, ...host.vectors([BUFFER, 4]), 2n ** 40n, RESULT)).toBe(0)
    expect(host.u32()).toBe(0)
    expect(host.call('fd_pread', fd, ...host.vectors([BUFFER, 4]), -1n, RESULT)).toBe(ERRNO.inval)
  })

  it.each([
    [0, 3n, 3n],
    [1, 2n, 7n],
    [2, -4n, 8n],
    [2, 1000n, 1012n],
  ])('are gone through from %i by %i', (whence, offset, expected) => {
    const host = new WasiHost()
    const fd = host.descriptor('in/people')
    host.call('fd_seek', fd, 5n, 0, RESULT)
    expect(host.call('fd_seek', fd, offset, whence, RESULT)).toBe(0)
    expect(host.u64()).toBe(expected)
  })

  it.each([
    ['before the start', -1n, 0, ERRNO.inval],
    ['behind every number', 2n ** 63n - 1n, 1, ERRNO.inval],
    ['from nowhere', 0n, 3, ERRNO.inval],
  ])('are not gone through %s', (_, offset, whence, errno) => {
    const host = new WasiHost()
    expect(host.call('fd_seek', host.descriptor('in/people'), offset, whence, RESULT)).toBe(errno)
  })

  it('say what they are', () => {
    const host = new WasiHost()
    const stat = (path: string): [number, bigint] => {
      expect(host.call('path_filestat_get', 3, 1, ...host.path(path), RESULT)).toBe(0)
      expect(host.u64(RESULT + 40)).toBe(TIME)
      return [host.view.getUint8(RESULT + 16), host.u64(RESULT + 32)]
    }
    expect(stat('in/people')).toEqual([4, 12n])
    expect(stat('in/texts')).toEqual([3, 0n])
    expect(stat('in/texts/2')).toEqual([4, 9n])
    expect(stat('.')).toEqual([3, 0n])
    expect(host.call('fd_filestat_get', 0, RESULT)).toBe(0)
    expect(host.view.getUint8(RESULT + 16)).toBe(2)
  })

  it('have an order in their directory, which can be read in pieces of any size', () => {
    const host = new WasiHost()
    const entries = (path: string, size: number): string[] => {
      const fd = path === '/' ? 3 : host.descriptor(path)
      const names: string[] = []
      for (let cookie = 0n; ;) {
        expect(host.call('fd_readdir', fd, BUFFER, size, cookie, RESULT)).toBe(0)
        const filled = host.u32()
        let at = 0
        while (at + 24 <= filled) {
          const length = host.u32(BUFFER + at + 16)
          if (at + 24 + length > filled) break
          names.push(host.bytes(BUFFER + at + 24, length).toString())
          cookie = host.u64(BUFFER + at)
          at += 24 + length
        }
        if (filled < size) return names
      }
    }
    for (const size of [31, 32, 60, 1000]) {
      expect(entries('/', size)).toEqual(['in', 'out'])
      expect(entries('in', size)).toEqual(['people', 'texts'])
      expect(entries('in/texts', size)).toEqual(['0', '1', '2'])
    }
    for (const cookie of [3n, -1n, 2n ** 62n]) {
      expect(host.call('fd_readdir', host.descriptor('in/texts'), BUFFER, 100, cookie, RESULT)).toBe(0)
      expect(host.u32()).toBe(0)
    }
    expect(host.call('fd_readdir', host.descriptor('out'), BUFFER, 100, 0n, RESULT)).toBe(ERRNO.notdir)
  })

  it('can be open so often, and no more', () => {
    const host = new WasiHost()
    for (let at = 4; at < 256; at++) expect(host.descriptor('in/people')).toBe(at)
    expect(host.open('in/people')).toBe(ERRNO.mfile)
    expect(host.call('fd_close', 100)).toBe(0)
    expect(host.call('fd_close', 100)).toBe(ERRNO.badf)
    expect(host.descriptor('in/people')).toBe(100)
  })
})

describe('the output', () => {
  it('is what was written, in its order, from each descriptor at its place', () => {
    const host = new WasiHost()
    const one = host.descriptor('out', { rights: WRITE, flags: OPEN.create | OPEN.truncate })
    const other = host.descriptor('out', { rights: READ | WRITE, mode: 1 })
    expect(host.write(one, 'hello')).toBe(0)
    expect(host.u32()).toBe(5)
    host.write(other, ' world')
    host.call('fd_seek', one, 0n, 0, RESULT)
    host.write(one, 'H')
    expect(Buffer.from(host.output.bytes()).toString()).toBe('Hello world')
    host.call('fd_seek', other, 6n, 0, RESULT)
    expect(host.readAll(other)).toBe('world')
  })

  it('has zeros where nothing was written, also where something was cut off', () => {
    const host = new WasiHost()
    const fd = host.descriptor('out', { rights: WRITE })
    host.write(fd, 'abcdef')
    expect(host.call('fd_filestat_set_size', fd, 2n)).toBe(0)
    expect(host.call('fd_pwrite', fd, ...host.vectors([BUFFER, 1]), 5n, RESULT)).toBe(0)
    expect(Buffer.from(host.output.bytes())).toEqual(Buffer.from('ab\0\0\0a'))
    host.descriptor('out', { flags: OPEN.truncate })
    expect(host.output.size).toBe(0)
  })

  it('ends the run where it is too large, however it becomes so', () => {
    const code = (act: (host: WasiHost, fd: number) => unknown): string | undefined => {
      const host = new WasiHost({ maxOutputBytes: 10 })
      const fd = host.descriptor('out', { rights: WRITE })
      host.write(fd, '12345678')
      return codeOf(() => act(host, fd))
    }
    expect(code((host, fd) => host.write(fd, '90'))).toBe(undefined)
    expect(code((host, fd) => host.write(fd, '90a'))).toBe('ROOM_WASM_TOO_LARGE')
    expect(code((host, fd) => host.call('fd_filestat_set_size', fd, 11n))).toBe('ROOM_WASM_TOO_LARGE')
    expect(code((host, fd) => host.call('fd_filestat_set_size', fd, 2n ** 53n - 1n))).toBe(
      'ROOM_WASM_TOO_LARGE',
    )
    expect(code((host, fd) => host.call('fd_pwrite', fd, ...host.vectors([0, 1]), 2n ** 50n, RESULT))).toBe(
      'ROOM_WASM_TOO_LARGE',
    )
  })

  it('is not written, cut or read without having been opened so', () => {
    const host = new WasiHost()
    const reads = host.descriptor('out')
    expect(host.write(reads, 'x')).toBe(ERRNO.badf)
    expect(host.call('fd_filestat_set_size', reads, 1n)).toBe(ERRNO.badf)
    const writes = host.descriptor('out', { rights: WRITE })
    expect(host.call('fd_read', writes, ...host.vectors([BUFFER, 1]), RESULT)).toBe(ERRNO.badf)
    expect(host.write(host.descriptor('in/people'), 'x')).toBe(ERRNO.badf)
    expect(host.write(3, 'x')).toBe(ERRNO.isdir)
  })

  it('is any writes at any places, as one array would have them', () => {
    const writes = fc.array(
      fc.tuple(fc.nat(60), fc.string({ minLength: 1, maxLength: 10, unit: 'binary-ascii' })),
      {
        maxLength: 8,
      },
    )
    fc.assert(
      fc.property(writes, (list) => {
        const host = new WasiHost()
        const fd = host.descriptor('out', { rights: WRITE })
        let model = Buffer.alloc(0)
        for (const [at, text] of list) {
          host.call('fd_seek', fd, BigInt(at), 0, RESULT)
          expect(host.write(fd, text)).toBe(0)
          const next = Buffer.alloc(Math.max(model.length, at + text.length))
          model.copy(next)
          next.write(text, at)
          model = next
        }
        expect(Buffer.from(host.output.bytes())).toEqual(model)
      }),
      { numRuns: 50 },
    )
  })
})

describe('pointers of a module', () => {
  it.each([
    ['a vector behind memory', 'fd_read', [0, END, 1, RESULT]],
    ['a vector that ends behind memory', 'fd_read', [0, END - 4, 1, RESULT]],
    ['a result behind memory', 'fd_read', [0, 0, 0, END - 3]],
    ['a pointer below zero', 'fd_tell', [4, -1]],
    ['a path behind memory', 'path_open', [3, 0, END - 1, 2, 0, 2n, 0n, 0, RESULT]],
    ['a path as long as 32 bits', 'path_open', [3, 0, 1, -1, 0, 2n, 0n, 0, RESULT]],
    ['a descriptor behind memory', 'path_open', [3, 0, 1024, 2, 0, 2n, 0n, 0, END]],
    ['a stat that ends behind memory', 'fd_filestat_get', [3, END - 63]],
    ['random bytes as many as 32 bits', 'random_get', [0, -1]],
    ['a time behind memory', 'clock_time_get', [0, 0n, END - 7]],
    ['arguments behind memory', 'args_get', [END - 3, 0]],
    ['words of arguments behind memory', 'args_get', [0, END - 3]],
    ['a name behind memory', 'fd_prestat_dir_name', [3, END, 1]],
    ['a directory behind memory', 'fd_readdir', [3, END - 10, 11, 0n, RESULT]],
    ['events behind memory', 'poll_oneoff', [0, END - 31, 1, RESULT]],
    ['subscriptions behind memory', 'poll_oneoff', [END - 47, 0, 1, RESULT]],
  ] as const)('fail: %s', (_, name, values) => {
    const host = new WasiHost({ args: ['one', 'two'] })
    host.path('in')
    host.descriptor('in/people')
    host.path('in')
    expect(host.call(name, ...values)).toBe(ERRNO.fault)
  })

  it('in vectors fail, before anything is read or written', () => {
    const host = new WasiHost()
    const input = host.descriptor('in/people')
    const output = host.descriptor('out', { rights: WRITE })
    for (const bad of [
      [END - 1, 2],
      [END, 1],
      [0, 2 ** 32 - 1],
      [2 ** 32 - 1, 2 ** 32 - 1],
    ] as const) {
      expect(host.call('fd_read', input, ...host.vectors([BUFFER, 2], bad), RESULT)).toBe(ERRNO.fault)
      expect(host.call('fd_write', output, ...host.vectors([BUFFER, 2], bad), RESULT)).toBe(ERRNO.fault)
      expect(host.call('fd_write', 1, ...host.vectors([BUFFER, 2], bad), RESULT)).toBe(ERRNO.fault)
    }
    expect(host.readAll(input)).toHaveLength(12)
    expect(host.output.size).toBe(0)
    expect(host.call('fd_read', input, 0, 1025, RESULT)).toBe(ERRNO.inval)
    expect(host.call('fd_write', 1, 0, -1, RESULT)).toBe(ERRNO.inval)
  })

  it('of any numbers for any function end in an errno, or in the end of the run', () => {
    const number = fc.oneof(
      fc.integer({ min: -3, max: 10 }),
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    )
    const wide = fc.oneof(
      fc.bigInt({ min: -2n, max: 100n }),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    )
    const host = new WasiHost()
    const wides: Partial<Record<string, readonly number[]>> = {
      clock_time_get: [1],
      fd_advise: [1, 2],
      fd_allocate: [1, 2],
      fd_fdstat_set_rights: [1, 2],
      fd_filestat_set_size: [1],
      fd_filestat_set_times: [1, 2],
      fd_pread: [3],
      fd_pwrite: [3],
      fd_readdir: [3],
      fd_seek: [1],
      path_filestat_set_times: [4, 5],
      path_open: [5, 6],
    }
    fc.assert(
      fc.property(
        fc.constantFrom(...WASI_FUNCTIONS),
        fc.array(number, { minLength: 9, maxLength: 9 }),
        fc.array(wide, { minLength: 9, maxLength: 9 }),
        (name, numbers, bigs) => {
          const values = numbers.map((value, at) => (wides[name]?.includes(at) ? bigs[at]! : value))
          try {
            const errno = host.call(name, ...values)
            expect(errno === 0 || Object.values<number>(ERRNO).includes(errno)).toBe(true)
          } catch (error) {
            const isEnd =
              error instanceof ModuleExit ||
              codeOf(() => {
                throw error
              }) === 'ROOM_WASM_TOO_LARGE'
            expect(isEnd).toBe(true)
          }
        },
      ),
      { numRuns: 3000 },
    )
  })
})

describe(claim('rooms.code', 'a module learns nothing of the machine'), () => {
  it('by its environment, which is empty', () => {
    const host = new WasiHost()
    host.view.setUint32(RESULT, 9, true)
    host.view.setUint32(RESULT + 4, 9, true)
    expect(host.call('environ_sizes_get', RESULT, RESULT + 4)).toBe(0)
    expect([host.u32(), host.u32(RESULT + 4)]).toEqual([0, 0])
  })

  it('by its arguments, which are those of the task', () => {
    const host = new WasiHost({ args: ['module', 'ä'] })
    expect(host.call('args_sizes_get', RESULT, RESULT + 4)).toBe(0)
    expect([host.u32(), host.u32(RESULT + 4)]).toEqual([2, 10])
    expect(host.call('args_get', RESULT, BUFFER)).toBe(0)
    expect(host.bytes(BUFFER, 10).toString()).toBe('module\0ä\0')
    expect([host.u32(), host.u32(RESULT + 4)]).toEqual([BUFFER, BUFFER + 7])
  })

  it.each([0, 1, 2, 3])('by clock %i, which stands still', (clock) => {
    const host = new WasiHost()
    expect(host.call('clock_time_get', clock, 0n, RESULT)).toBe(0)
    expect(host.u64()).toBe(TIME)
    expect(host.call('clock_res_get', clock, RESULT)).toBe(0)
    expect(host.call('clock_time_get', 4, 0n, RESULT)).toBe(ERRNO.inval)
  })

  it('by chance, which follows from the seed', () => {
    const draw = (seed: number, ...lengths: number[]): string => {
      const host = new WasiHost({ seed })
      let at = BUFFER
      for (const length of lengths) {
        expect(host.call('random_get', at, length)).toBe(0)
        at += length
      }
      return host.bytes(BUFFER, 100).toString('hex')
    }
    expect(draw(1, 100)).toBe(draw(1, 1, 31, 33, 35))
    expect(draw(1, 100)).not.toBe(draw(2, 100))
    // SHA-256 of 32 zeros and of the first counter.
    expect(draw(0, 100)).toMatch(/^2c34ce1df23b838c/)
  })

  it('by waiting: everything has happened', () => {
    const host = new WasiHost()
    host.view.setBigUint64(BUFFER, 0xabcdn, true)
    host.view.setUint8(BUFFER + 8, 1)
    expect(host.call('poll_oneoff', BUFFER, BUFFER + 100, 1, RESULT)).toBe(0)
    expect([host.u32(), host.u64(BUFFER + 100), host.view.getUint8(BUFFER + 110)]).toEqual([1, 0xabcdn, 1])
    expect(host.call('poll_oneoff', BUFFER, BUFFER + 100, 0, RESULT)).toBe(ERRNO.inval)
    expect(host.call('sched_yield')).toBe(0)
  })

  it('by its standard streams: nothing comes, and what goes there is gone', () => {
    const host = new WasiHost()
    expect(host.readAll(0)).toBe('')
    for (const fd of [1, 2]) {
      expect(host.write(fd, 'said')).toBe(0)
      expect(host.u32()).toBe(4)
      expect(host.call('fd_read', fd, ...host.vectors([BUFFER, 4]), RESULT)).toBe(ERRNO.badf)
      expect(host.call('fd_seek', fd, 0n, 0, RESULT)).toBe(ERRNO.spipe)
    }
    expect(host.write(0, 'x')).toBe(ERRNO.badf)
    expect(host.output.size).toBe(0)
  })

  it('by descriptors of this process, or by the network', () => {
    const host = new WasiHost()
    for (const fd of [4, 5, 10, 20, -1]) {
      expect(host.call('fd_fdstat_get', fd, RESULT)).toBe(ERRNO.badf)
      expect(host.call('fd_read', fd, ...host.vectors([BUFFER, 4]), RESULT)).toBe(ERRNO.badf)
    }
    expect(host.call('sock_accept', 3, 0, RESULT)).toBe(ERRNO.notsock)
    expect(host.call('sock_send', 3, 0, 0, 0, RESULT)).toBe(ERRNO.notsock)
  })

  it('has its files under one directory, whose name is /', () => {
    const host = new WasiHost()
    expect(host.call('fd_prestat_get', 3, RESULT)).toBe(0)
    expect([host.u32(), host.u32(RESULT + 4)]).toEqual([0, 1])
    expect(host.call('fd_prestat_dir_name', 3, BUFFER, 1)).toBe(0)
    expect(host.bytes(BUFFER, 1).toString()).toBe('/')
    expect(host.call('fd_prestat_get', 4, RESULT)).toBe(ERRNO.badf)
    expect(host.call('fd_prestat_dir_name', 3, BUFFER, 0)).toBe(ERRNO.nametoolong)
  })

  it('pays for each call, and for what it copies', () => {
    const host = new WasiHost()
    host.call('sched_yield')
    expect(host.paid).toBe(200)
    host.write(1, 'x'.repeat(800))
    expect(host.paid).toBe(500)
    host.call('random_get', BUFFER, 80)
    expect(host.paid).toBe(700 + 320)
  })
})
