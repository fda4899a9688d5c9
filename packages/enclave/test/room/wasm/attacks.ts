import {
  assemble,
  block,
  branch,
  branchIf,
  call,
  DROP,
  FUNCREF,
  get,
  I32,
  i32,
  I64,
  i64,
  loop,
  program,
  unsigned,
  VOID,
} from './assembler.ts'
import { dataAt, open, PROC_EXIT, RANDOM_GET, WASI, write, writing } from './programs.ts'

/** What a module tries, and what the room says to it. */
export interface Attack {
  readonly name: string
  readonly module: Uint8Array<ArrayBuffer>
  readonly code: string
}

const MANY = 0xff_ff_ff_ff | 0
const out = { imports: WASI, data: [dataAt(16, 'out')] }

/** Calls itself with one less, twice, so many levels deep. */
const TREE = {
  params: [I32],
  code: [
    ...get(0),
    0x04,
    VOID,
    ...get(0),
    ...i32(1),
    0x6b,
    ...call(1),
    ...get(0),
    ...i32(1),
    0x6b,
    ...call(1),
    0x0b,
  ],
}

export const ATTACKS: readonly Attack[] = [
  { name: 'runs for ever', module: program(loop(branch(0))), code: 'ROOM_WASM_FUEL' },
  {
    name: 'runs for ever in a loop that does nothing but come back',
    module: program(loop(i32(1), branchIf(0))),
    code: 'ROOM_WASM_FUEL',
  },
  {
    name: 'runs for ever by a table of branches',
    module: program(loop(i32(0), [0x0e, 0, 0])),
    code: 'ROOM_WASM_FUEL',
  },
  {
    name: 'runs for ever out of a block within a loop',
    module: program(loop(block(block(branch(2))))),
    code: 'ROOM_WASM_FUEL',
  },
  {
    name: 'runs for nearly ever by calls',
    module: program([...i32(60), ...call(1)], { functions: [TREE] }),
    code: 'ROOM_WASM_FUEL',
  },
  {
    name: 'runs for ever by calls through a table',
    module: program(loop(i32(1), [0x11, 1, 0], branch(0)), {
      functions: [{ code: [] }],
      tables: [[FUNCREF, 0, 2]],
      elements: [[0, ...i32(1), 0x0b, 1, 1]],
    }),
    code: 'ROOM_WASM_FUEL',
  },
  { name: 'calls itself without end', module: program(call(0)), code: 'ROOM_WASM_TRAP' },
  {
    name: 'calls itself without end, with many locals',
    module: program(call(1), { functions: [{ locals: [[10_000, I64]], code: call(1) }] }),
    code: 'ROOM_WASM_TRAP',
  },
  {
    name: 'fills all of its memory again and again',
    module: program(loop(i32(0), i32(0), i32(65_536), [0xfc, 11, 0], branch(0))),
    code: 'ROOM_WASM_FUEL',
  },
  {
    name: 'fills more memory than there is',
    module: program([...i32(0), ...i32(0), ...i32(MANY), 0xfc, 11, 0]),
    code: 'ROOM_WASM_FUEL',
  },
  {
    name: 'copies all of its memory again and again',
    module: program(loop(i32(0), i32(1), i32(65_535), [0xfc, 10, 0, 0], branch(0))),
    code: 'ROOM_WASM_FUEL',
  },
  {
    name: 'fills a table again and again',
    module: program(loop(i32(0), [0xd0, FUNCREF], i32(100_000), [0xfc, 17, 0], branch(0)), {
      tables: [[FUNCREF, 0, ...unsigned(100_000)]],
    }),
    code: 'ROOM_WASM_FUEL',
  },
  {
    name: 'grows a table again and again',
    module: program(loop([0xd0, FUNCREF], i32(1), [0xfc, 15, 0], DROP, branch(0)), {
      tables: [[FUNCREF, 0, 0]],
    }),
    code: 'ROOM_WASM_FUEL',
  },
  {
    name: 'grows its memory beyond its limit, and uses it',
    module: program([...i32(5), 0x40, 0, ...DROP, ...i32(4 * 65_536), ...i32(1), 0x36, 2, 0]),
    code: 'ROOM_WASM_TRAP',
  },
  {
    name: 'starts with more memory than its limit',
    module: assemble({ memory: [0, 5] }),
    code: 'ROOM_WASM_MEMORY',
  },
  {
    name: 'has data behind its memory',
    module: program([], { data: [[0, ...i32(65_536), 0x0b, 1, 1]] }),
    code: 'ROOM_WASM_TRAP',
  },
  {
    name: 'has elements behind its table',
    module: program([], { tables: [[FUNCREF, 0, 1]], elements: [[0, ...i32(1), 0x0b, 1, 0]] }),
    code: 'ROOM_WASM_TRAP',
  },
  {
    name: 'reads behind its memory',
    module: program([...i32(MANY), 0x28, 2, 0, ...DROP]),
    code: 'ROOM_WASM_TRAP',
  },
  {
    name: 'calls a function by another type',
    module: program([...i32(0), 0x11, 0, 0], {
      functions: [{ results: [I32], code: i32(1) }],
      tables: [[FUNCREF, 0, 1]],
      elements: [[0, ...i32(0), 0x0b, 1, 1]],
    }),
    code: 'ROOM_WASM_TRAP',
  },
  { name: 'gives itself fuel', module: program([...i64(2n ** 60n), 0x24, 0]), code: 'format' },
  {
    name: 'gives itself fuel by a global of its own',
    module: program(loop(i64(2n ** 60n), [0x24, 0], branch(0)), {
      globals: [[I64, 1, ...i64(0), 0x0b]],
      exports: [
        ['fuel-0', 3, 0],
        ['fuel', 3, 0],
      ],
    }),
    code: 'ROOM_WASM_FUEL',
  },
  {
    name: 'says that it failed by a status',
    module: program([...i32(77), ...call(PROC_EXIT)], { imports: WASI }),
    code: 'ROOM_WASM_EXIT',
  },
  {
    name: 'ends itself within what the host does, without fuel',
    module: program(loop(i32(0), i32(65_536), call(RANDOM_GET), DROP, branch(0)), { imports: WASI }),
    code: 'ROOM_WASM_FUEL',
  },
  {
    name: 'writes more than it may',
    module: program([...open(16, 3, 1044, 'write'), ...loop(write(1044, i32(0), i32(400)), branch(0))], out),
    code: 'ROOM_WASM_TOO_LARGE',
  },
  {
    name: 'says more than anybody reads',
    module: program(
      loop([...i32(1044), ...i32(1), 0x36, 2, 0], write(1044, i32(0), i32(65_536)), branch(0)),
      {
        imports: WASI,
      },
    ),
    code: 'ROOM_WASM_FUEL',
  },
  {
    name: 'writes an input',
    module: program(open(0, 9, 1040, 'write'), { imports: WASI, data: [dataAt(0, 'in/people')] }),
    code: 'ROOM_WASM_TRAP',
  },
  {
    name: 'opens a file of the machine',
    module: program(open(0, 13, 1040, 'read'), { imports: WASI, data: [dataAt(0, '../etc/passwd')] }),
    code: 'ROOM_WASM_TRAP',
  },
  {
    name: 'writes what lies behind its memory',
    module: writing([], 65_536),
    code: 'ROOM_WASM_TRAP',
  },
  {
    name: 'traps with what it read',
    module: program([...i32(1), ...i32(0), 0x6d, ...DROP]),
    code: 'ROOM_WASM_TRAP',
  },
  {
    name: 'writes its output, and then runs out of fuel',
    module: program(
      [...open(16, 3, 1044, 'write'), ...write(1044, i32(16), i32(3)), ...loop(branch(0))],
      out,
    ),
    code: 'ROOM_WASM_FUEL',
  },
]
