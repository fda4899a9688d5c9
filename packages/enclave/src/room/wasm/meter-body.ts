import { invalid } from './errors.ts'
import { BULK_MEMORY, BULK_TABLE, type Names, OPCODES, skipImmediates, skipLabels } from './instructions.ts'
import { MODULE_LIMITS } from './limits.ts'
import type { Payment } from './payment.ts'
import type { WasmReader } from './reader.ts'
import { readBlockType, readValueType } from './value-types.ts'
import { encodeU32 } from './writer.ts'

/** What growing costs each time, however little it grows: the engine looks at all there is. */
const GROW_COST = 1000

/** Bytes that paying takes at least. */
const PLACE_BYTES = 8

/** A run of instructions that is entered at its start only, and left at its end only. */
interface Segment {
  readonly at: number
  /** Whether what is left is looked at: where code comes back to. */
  readonly checks: boolean
  cost: number
}

/** Code that goes in front of an instruction that takes as long as its last operand says. */
interface Toll {
  readonly at: number
  readonly bytes: Uint8Array
}

/**
 * Rewrites one body so that it pays for what it does. Each instruction costs 1, but for those that only shape the code.
 * A segment pays for itself at its start. What is left is looked at where a function and where a turn of a loop starts, and
 * for every bulk operation: between two of those places code runs forward, at most the length of the body.
 * @param parameters how many the function has
 * @returns the pieces of the new body, without its length
 * @throws `ROOM_WASM_INVALID`
 */
export function meterBody(
  body: WasmReader,
  parameters: number,
  names: Names,
  payment: Payment,
): Uint8Array[] {
  const start = body.offset
  const groups = body.count(MODULE_LIMITS.locals, 'groups of locals')
  const groupsAt = body.offset
  const locals = readLocals(body, groups)
  const code = body.offset
  const scratch = parameters + locals
  const places: (Segment | Toll)[] = []
  const hasTolls = walk(body, names, places, (number) => payment.toll(scratch, BULK_TABLE.has(number)))
  const pieces: Uint8Array[] = []
  if (hasTolls) {
    // One local more, of 32 bits, behind all others.
    pieces.push(Uint8Array.from(encodeU32(groups + 1)), body.bytes.subarray(groupsAt, code))
    pieces.push(Uint8Array.of(1, 0x7f))
  } else pieces.push(body.bytes.subarray(start, code))
  let from = code
  for (const place of places) {
    const bytes = 'bytes' in place ? place.bytes : payment.segment(place.cost, place.checks)
    if (bytes.length === 0) continue
    pieces.push(body.bytes.subarray(from, place.at), bytes)
    from = place.at
  }
  pieces.push(body.bytes.subarray(from, body.end))
  return pieces
}

function readLocals(body: WasmReader, groups: number): number {
  let locals = 0
  for (let left = groups; left > 0; left--) {
    locals += body.u32()
    if (locals > MODULE_LIMITS.locals)
      throw invalid('count', `${locals} locals, of at most ${MODULE_LIMITS.locals}`)
    readValueType(body)
  }
  return locals
}

/** Finds the places where a body pays, in their order. @returns whether any of them is a toll */
function walk(
  body: WasmReader,
  names: Names,
  places: (Segment | Toll)[],
  makeToll: (number: number) => Uint8Array,
): boolean {
  let hasTolls = false
  let segment: Segment | undefined
  const put = (place: Segment | Toll): void => {
    // Before all of them are there, for a few bytes of code have a place each.
    if (places.length * PLACE_BYTES > MODULE_LIMITS.bodyBytes)
      throw invalid(
        'module-size',
        `a function of more than ${MODULE_LIMITS.bodyBytes} bytes once it is metered`,
      )
    places.push(place)
  }
  const open = (checks: boolean): void => {
    // Where nothing was in between, nothing is to be paid.
    if (segment?.cost === 0 && !segment.checks && segment === places.at(-1)) places.pop()
    segment = { at: body.offset, checks, cost: 0 }
    put(segment)
  }
  /** Behind a branch that is always taken, to the end of the block, nothing runs, and nothing pays. */
  const leave = (): void => {
    segment = { at: body.offset, checks: false, cost: 0 }
  }
  open(true)
  const blocks: number[] = [OPCODES.block]
  while (blocks.length > 0) {
    const at = body.offset
    const opcode = body.byte()
    switch (opcode) {
      case OPCODES.block:
      case OPCODES.loop:
      case OPCODES.if:
        if (blocks.length > MODULE_LIMITS.depth)
          throw invalid('depth', `more than ${MODULE_LIMITS.depth} blocks`)
        readBlockType(body, names.types)
        blocks.push(opcode)
        if (opcode === OPCODES.if) segment!.cost++
        if (opcode !== OPCODES.block) open(opcode === OPCODES.loop)
        break
      case OPCODES.else:
        if (blocks.pop() !== OPCODES.if) throw invalid('format', `else without if, at byte ${at}`)
        blocks.push(opcode)
        open(false)
        break
      case OPCODES.end:
        // No branch leads to the end of a loop: what follows goes on with the segment that came there.
        if (blocks.pop() !== OPCODES.loop && blocks.length > 0) open(false)
        break
      case OPCODES.br:
      case OPCODES.brIf:
      case OPCODES.brTable:
        skipLabels(body, opcode, blocks.length)
        segment!.cost++
        if (opcode === OPCODES.brIf) open(false)
        else leave()
        break
      case OPCODES.unreachable:
      case OPCODES.return:
        segment!.cost++
        leave()
        break
      default: {
        const number = skipImmediates(body, opcode, names)
        const isGrowing = opcode === OPCODES.memoryGrow || number === 15
        segment!.cost += isGrowing ? GROW_COST : 1
        if (!BULK_MEMORY.has(number) && !BULK_TABLE.has(number)) break
        put({ at, bytes: makeToll(number) })
        hasTolls = true
      }
    }
  }
  body.requireEnd('the code of a function')
  return hasTolls
}
