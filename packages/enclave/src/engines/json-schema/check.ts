import { assertionsOf } from './assertions.ts'
import { ANNOTATIONS } from './keywords.ts'
import { requireBounded } from './limits.ts'
import { isFields, lookUp } from './pointer.ts'
import { refused, unsupported } from './refusals.ts'

/**
 * The keyword that a value breaks first; undefined: it is what the schema asks for. One `effort` is for all checks of a
 * request; without it, of this check alone.
 */
export type SchemaCheck = (value: unknown, effort?: Effort) => string | undefined

/**
 * What the checks of one request cost at most, a tenth of a second or two in which nobody else is served: a client
 * controls the schemas and how many answers there are, a model the values.
 */
const MAX_STEPS = 1_000_000
/** Deepest value that is looked at. */
const MAX_DEPTH = 500
/** Parts of the schemas of one request and states of their patterns, at most. */
const MAX_SIZE = 50_000

/** What checks have spent. */
export class Effort {
  private steps = 0
  depth = 0

  /** @throws `ENGINE_UNSUPPORTED` for checks that take too much */
  readonly spend = (steps: number): void => {
    if ((this.steps += steps) > MAX_STEPS || this.depth > MAX_DEPTH)
      throw unsupported('an answer that takes so much to check')
  }
}

/** What the checks of one request may hold in all. */
export class CheckSize {
  private size = 0

  /** @throws `ENGINE_UNSUPPORTED` for more than a request may ask for */
  add(parts: number): void {
    if ((this.size += parts) > MAX_SIZE) throw unsupported('as much as the schemas of this request ask for')
  }
}

/** A part of a schema that is ready to look at values. */
export type Part = (value: unknown, effort: Effort) => string | undefined

/**
 * Makes a check of a JSON Schema that a client controls, by what the keywords mean and without a look at how an answer
 * was forced: what it lets through is what the schema says. Unknown keywords are refused, not skipped.
 *
 * @param size shared by all schemas of a request
 * @throws `ENGINE_UNSUPPORTED` naming the keyword, `ENGINE_INPUT` for what is no schema
 */
export function compileCheck(schema: unknown, size: CheckSize = new CheckSize()): SchemaCheck {
  requireBounded(schema)
  const part = new Compiler(schema, size).part(schema)
  return (value, effort = new Effort()) => part(value, effort)
}

/** Compiles parts once, however often they are referred to. */
export class Compiler {
  private readonly document: unknown
  readonly size: CheckSize
  private readonly known = new Map<object, Part>()

  constructor(document: unknown, size: CheckSize = new CheckSize()) {
    this.document = document
    this.size = size
  }

  part(schema: unknown): Part {
    if (schema === true) return () => undefined
    if (schema === false) return () => 'false'
    if (!isFields(schema)) throw refused('schema is not an object')
    const known = this.known.get(schema)
    if (known !== undefined) return known
    this.size.add(1)
    let assertions: readonly Part[] = []
    const own: Part = (value, effort) => {
      effort.depth++
      effort.spend(1 + assertions.length)
      for (const assertion of assertions) {
        const broken = assertion(value, effort)
        if (broken === undefined) continue
        effort.depth--
        return broken
      }
      effort.depth--
      return undefined
    }
    // Known before its parts are, for what refers back to it.
    this.known.set(schema, own)
    assertions = Object.keys(schema)
      .filter((keyword) => !ANNOTATIONS.includes(keyword))
      .flatMap((keyword) => assertionsOf(keyword, schema, this))
    return own
  }

  /** The part a `$ref` names. */
  referred(pointer: unknown): Part {
    return this.part(lookUp(this.document, pointer))
  }
}
